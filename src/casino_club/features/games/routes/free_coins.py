"""Coins that return over time."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.actions.public import UserGone
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.free_coins import claim, offered
from casino_club.features.games.rules.refusals import CoinsEnough, FreeCoinsTooSoon
from casino_club.features.games.schemas import FreeCoinsOut, FreeCoinsTakenOut
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["games"])


@routes.get(
    "/api/games/free-coins",
    audience=Audience.USER,
    summary="How many free coins there are for you, and from when on",
    answers={200: FreeCoinsOut},
)
async def read_free_coins(subject: UserSubject, database: Database, game_desk: GameDesk, clock: Clock) -> FreeCoinsOut:
    now = clock()
    found = await database.run(lambda db: offered(db, game_desk, subject.user_id, now=now))
    is_due = found.next_at is None or found.next_at <= now
    return FreeCoinsOut(found.coins, is_due and found.coins > 0, found.next_at, game_desk.free_coins.ceiling)


@routes.post(
    "/api/games/free-coins",
    audience=Audience.USER,
    summary="Take the free coins that there are for you",
    answers={200: FreeCoinsTakenOut},
    refusals=(FreeCoinsTooSoon, CoinsEnough, *ADMIT_REFUSALS, UserGone),
)
async def take_free_coins(
    subject: UserSubject, database: Database, game_desk: GameDesk, clock: Clock
) -> FreeCoinsTakenOut:
    now = clock()
    taken = await database.run(lambda db: claim(db, game_desk, subject.user_id, now=now))
    return FreeCoinsTakenOut(taken.coins, taken.balance, taken.next_at)
