"""Rounds: playing them, and finding them again."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from casino_club.features.actions.public import UserGone
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.playing import Play, play
from casino_club.features.games.rules import refusals
from casino_club.features.games.schemas import (
    RouletteIn,
    RoundOut,
    RoundsPage,
    RoundsQuery,
    SpinIn,
    round_out,
)
from casino_club.features.games.store import rounds
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.odds.public import DRAW_REFUSALS, Bet, Game
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.rewards.public import SpinsMissing
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

STAKE_USUAL: Final = 100

PLAY_REFUSALS = (
    refusals.RoundReused,
    refusals.RoundTooSoon,
    refusals.OtherGame,
    AgeUnproven,
    *DRAW_REFUSALS,
    *ADMIT_REFUSALS,
    InsufficientFunds,
    UserGone,
)
"""What stands against a round."""

routes = Routes(tags=["games"])


@routes.post(
    "/api/games/slot/spin",
    audience=Audience.USER,
    summary="Spin a slot, once for this round's id, for a stake or for a free spin",
    body=SpinIn,
    answers={200: RoundOut},
    refusals=(*PLAY_REFUSALS, refusals.FreeSpinStakes, SpinsMissing),
)
async def spin_slot(
    subject: UserSubject, body: SpinIn, database: Database, game_desk: GameDesk, clock: Clock
) -> RoundOut:
    if body.free and (body.stake is not None or body.currency is not Currency.COIN):
        raise refusals.FreeSpinStakes
    stake = game_desk.free_spin_coins if body.free else body.stake or STAKE_USUAL
    bets = (Bet("spin", stake),)
    wanted = Play(subject.user_id, body.round_id, Game.SLOT, body.product, body.currency, bets, is_free=body.free)
    return await played(database, game_desk, wanted, now=clock())


@routes.post(
    "/api/games/roulette/spin",
    audience=Audience.USER,
    summary="Spin the wheel with one or more bets, once for this round's id",
    body=RouletteIn,
    answers={200: RoundOut},
    refusals=PLAY_REFUSALS,
)
async def spin_roulette(
    subject: UserSubject, body: RouletteIn, database: Database, game_desk: GameDesk, clock: Clock
) -> RoundOut:
    bets = tuple(Bet(each.bet, each.stake) for each in body.bets)
    wanted = Play(subject.user_id, body.round_id, Game.ROULETTE, body.product, body.currency, bets)
    return await played(database, game_desk, wanted, now=clock())


async def played(database: Database, desk: GameDesk, wanted: Play, *, now: datetime) -> RoundOut:
    """Play a round, again if it crossed another of the same user."""
    return round_out(await database.run(lambda db: play(db, desk, wanted, now=now)), desk.pace)


@routes.get(
    "/api/games/rounds",
    audience=Audience.USER,
    summary="Your rounds, the latest first",
    query=RoundsQuery,
    answers={200: RoundsPage},
)
async def read_rounds(subject: UserSubject, query: RoundsQuery, database: Database, game_desk: GameDesk) -> RoundsPage:
    async with database.connection() as db:
        found = await rounds.rounds_of(db, subject.user_id, game=query.game, before_id=query.cursor, limit=query.limit)
    shown = [round_out(each, game_desk.pace) for each in found]
    return RoundsPage(shown, found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/games/rounds/{round_id}",
    audience=Audience.USER,
    summary="One of your rounds: the same again after a connection broke",
    answers={200: RoundOut},
    refusals=(refusals.RoundMissing,),
)
async def read_round(round_id: UUID, subject: UserSubject, database: Database, game_desk: GameDesk) -> RoundOut:
    async with database.connection() as db:
        found = await rounds.round_of(db, subject.user_id, round_id)
    if found is None:
        raise refusals.RoundMissing
    return round_out(found, game_desk.pace)
