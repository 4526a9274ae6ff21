"""Rock, paper, scissors against another user: challenge, join, commit, reveal."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from casino_club.features.actions.public import UserGone
from casino_club.features.games.commands import dueling
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.dueling import Challenge
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.duels import Duel
from casino_club.features.games.schemas import (
    CommitmentIn,
    DuelIn,
    DuelOut,
    DuelsPage,
    DuelsQuery,
    OpenDuelsOut,
    OpenDuelsQuery,
    RevealIn,
    duel_out,
)
from casino_club.features.games.store import answering
from casino_club.features.games.store import duels as store
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.odds.public import DRAW_REFUSALS
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.infra.db.database import Database, Db
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

FUNDS_REFUSED = DRAW_REFUSALS[-1]
ENTER_REFUSALS = (
    refusals.InDuel,
    refusals.StakeTooHigh,
    AgeUnproven,
    FUNDS_REFUSED,
    InsufficientFunds,
    UserGone,
)
"""What stands against a seat."""

routes = Routes(tags=["games"])


async def _out(db: Db, desk: GameDesk, duel: Duel, user_id: int) -> DuelOut:
    return duel_out(duel, user_id, await answering.clock(db), desk.duels)


async def _all_out(db: Db, desk: GameDesk, found: Sequence[Duel], user_id: int) -> list[DuelOut]:
    clock = await answering.clock(db)
    return [duel_out(each, user_id, clock, desk.duels) for each in found]


@routes.post(
    "/api/games/duels",
    audience=Audience.USER,
    summary="Challenge somebody to rock, paper, scissors, once for this duel's id. Nothing is staked yet",
    body=DuelIn,
    answers={200: DuelOut},
    refusals=(refusals.DuelReused, *ENTER_REFUSALS),
)
async def open_duel(
    subject: UserSubject, body: DuelIn, database: Database, game_desk: GameDesk, clock: Clock
) -> DuelOut:
    now = clock()
    wanted = Challenge(body.duel_id, subject.user_id, body.currency, body.stake, body.is_listed)

    async def work(db: Db) -> DuelOut:
        return await _out(db, game_desk, await dueling.challenge(db, game_desk, wanted, now=now), subject.user_id)

    return await database.run(work)


@routes.get(
    "/api/games/open-duels",
    audience=Audience.USER,
    summary="Challenges that wait for anybody, the latest first",
    query=OpenDuelsQuery,
    answers={200: OpenDuelsOut},
)
async def read_open_duels(
    subject: UserSubject, query: OpenDuelsQuery, database: Database, game_desk: GameDesk
) -> OpenDuelsOut:
    async with database.connection() as db:
        found = await store.open_duels(db, subject.user_id, query.currency, limit=query.limit)
        return OpenDuelsOut(await _all_out(db, game_desk, found, subject.user_id))


@routes.get(
    "/api/games/duels",
    audience=Audience.USER,
    summary="Your duels, the latest first",
    query=DuelsQuery,
    answers={200: DuelsPage},
)
async def read_duels(subject: UserSubject, query: DuelsQuery, database: Database, game_desk: GameDesk) -> DuelsPage:
    async with database.connection() as db:
        found = await store.duels_of(db, subject.user_id, before=query.cursor, limit=query.limit)
        shown = await _all_out(db, game_desk, found, subject.user_id)
    return DuelsPage(shown, found[-1].number if len(found) == query.limit else None)


@routes.get(
    "/api/games/duels/{duel_id}",
    audience=Audience.USER,
    summary="One duel: yours, or an open one that you were told of",
    answers={200: DuelOut},
    refusals=(refusals.DuelMissing,),
)
async def read_duel(duel_id: UUID, subject: UserSubject, database: Database, game_desk: GameDesk) -> DuelOut:
    async with database.connection() as db:
        return await _out(db, game_desk, await dueling.shown(db, duel_id, subject.user_id), subject.user_id)


@routes.post(
    "/api/games/duels/{duel_id}/join",
    audience=Audience.USER,
    summary="Take the free seat; of several one gets it. Nothing is staked yet",
    answers={200: DuelOut},
    refusals=(refusals.DuelMissing, refusals.DuelTaken, refusals.DuelOwn, *ENTER_REFUSALS),
)
async def join_duel(
    duel_id: UUID, subject: UserSubject, database: Database, game_desk: GameDesk, clock: Clock
) -> DuelOut:
    now = clock()

    async def work(db: Db) -> DuelOut:
        joined = await dueling.join(db, game_desk, duel_id, subject.user_id, now=now)
        return await _out(db, game_desk, joined, subject.user_id)

    return await database.run(work)


@routes.post(
    "/api/games/duels/{duel_id}/commit",
    audience=Audience.USER,
    summary="Commit to a move, hidden, and stake. Once both have, the duel is played to its end",
    body=CommitmentIn,
    answers={200: DuelOut},
    refusals=(
        refusals.DuelMissing,
        refusals.DuelNotJoined,
        refusals.CommitmentMade,
        refusals.RoundTooSoon,
        AgeUnproven,
        FUNDS_REFUSED,
        *ADMIT_REFUSALS,
        InsufficientFunds,
        UserGone,
    ),
)
async def commit_to_move(
    duel_id: UUID, subject: UserSubject, body: CommitmentIn, database: Database, game_desk: GameDesk, clock: Clock
) -> DuelOut:
    now = clock()

    async def work(db: Db) -> DuelOut:
        duel = await dueling.commit_to(db, game_desk, duel_id, subject.user_id, body.commitment, now=now)
        return await _out(db, game_desk, duel, subject.user_id)

    return await database.run(work)


@routes.post(
    "/api/games/duels/{duel_id}/reveal",
    audience=Audience.USER,
    summary="Show the move that you have committed to; the second one settles the duel",
    body=RevealIn,
    answers={200: DuelOut},
    refusals=(refusals.DuelMissing, refusals.CommitmentsMissing, refusals.RevealMismatch, UserGone),
)
async def reveal_move(
    duel_id: UUID, subject: UserSubject, body: RevealIn, database: Database, game_desk: GameDesk, clock: Clock
) -> DuelOut:
    now = clock()

    async def work(db: Db) -> DuelOut:
        duel = await dueling.reveal(db, game_desk, duel_id, subject.user_id, move=body.move, salt=body.salt, now=now)
        return await _out(db, game_desk, duel, subject.user_id)

    return await database.run(work)


@routes.post(
    "/api/games/duels/{duel_id}/leave",
    audience=Audience.USER,
    summary="Call a duel off, as long as not both have committed; who has staked has it back",
    answers={200: DuelOut},
    refusals=(refusals.DuelMissing, refusals.DuelRunning, UserGone),
)
async def leave_duel(
    duel_id: UUID, subject: UserSubject, database: Database, game_desk: GameDesk, clock: Clock
) -> DuelOut:
    now = clock()

    async def work(db: Db) -> DuelOut:
        left = await dueling.leave(db, game_desk, duel_id, subject.user_id, now=now)
        return await _out(db, game_desk, left, subject.user_id)

    return await database.run(work)
