"""Gachas: seeing what there is, opening one, and finding the opening again."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from casino_club.features.actions.public import UserGone
from casino_club.features.gacha import store
from casino_club.features.gacha.commands.desk import GachaDesk
from casino_club.features.gacha.commands.opening import Wish, open_gacha
from casino_club.features.gacha.commands.showing import gachas
from casino_club.features.gacha.rules import refusals
from casino_club.features.gacha.schemas import (
    GachasOut,
    OpenIn,
    OpeningOut,
    OpeningsPage,
    OpeningsQuery,
    gacha_out,
    opening_out,
)
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.odds.public import DRAW_REFUSALS
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

OPEN_REFUSALS = (
    refusals.OpeningReused,
    refusals.OpeningTooSoon,
    refusals.NoGacha,
    refusals.FreeGemsOnly,
    AgeUnproven,
    *DRAW_REFUSALS,
    *ADMIT_REFUSALS,
    InsufficientFunds,
    UserGone,
)
"""What stands against an opening."""

routes = Routes(tags=["gacha"])


@routes.post(
    "/api/gacha/spin",
    audience=Audience.USER,
    summary="Open a gacha with one to ten pulls, once for this opening's id",
    body=OpenIn,
    answers={200: OpeningOut},
    refusals=OPEN_REFUSALS,
)
async def spin_gacha(
    subject: UserSubject, body: OpenIn, database: Database, gacha_desk: GachaDesk, clock: Clock
) -> OpeningOut:
    now, wish = clock(), Wish(subject.user_id, body.spin_id, body.product, body.spins)
    made = await database.run(lambda db: open_gacha(db, gacha_desk, wish, now=now))
    return opening_out(made, made.timestamp + gacha_desk.pace)


@routes.get(
    "/api/gacha",
    audience=Audience.USER,
    summary="Every gacha: its price, your odds just now, where your pity stands, and how many users opened it today",
    answers={200: GachasOut},
)
async def read_gachas(subject: UserSubject, database: Database, gacha_desk: GachaDesk, clock: Clock) -> GachasOut:
    async with database.connection() as db:
        found = await gachas(db, gacha_desk, subject.user_id, now=clock())
    return GachasOut([gacha_out(each) for each in found])


@routes.get(
    "/api/gacha/history",
    audience=Audience.USER,
    summary="Your openings, the latest first",
    query=OpeningsQuery,
    answers={200: OpeningsPage},
)
async def read_openings(
    subject: UserSubject, query: OpeningsQuery, database: Database, gacha_desk: GachaDesk
) -> OpeningsPage:
    user_id, asked = subject.user_id, query
    async with database.connection() as db:
        found = await store.openings_of(db, user_id, product=asked.product, before_id=asked.cursor, limit=asked.limit)
    shown = [opening_out(each, each.timestamp + gacha_desk.pace) for each in found]
    return OpeningsPage(shown, found[-1].id if len(found) == asked.limit else None)


@routes.get(
    "/api/gacha/spins/{spin_id}",
    audience=Audience.USER,
    summary="One of your openings: the same again after a connection broke",
    answers={200: OpeningOut},
    refusals=(refusals.OpeningMissing,),
)
async def read_opening(spin_id: UUID, subject: UserSubject, database: Database, gacha_desk: GachaDesk) -> OpeningOut:
    async with database.connection() as db:
        found = await store.opening_of(db, subject.user_id, spin_id)
    if found is None:
        raise refusals.OpeningMissing
    return opening_out(found, found.timestamp + gacha_desk.pace)
