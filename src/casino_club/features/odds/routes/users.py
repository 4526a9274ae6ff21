"""A user's own seed and draws."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.odds.commands import draws as draw_commands
from casino_club.features.odds.commands import seeds
from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.proofs import Proof
from casino_club.features.odds.schemas import (
    ClientSeedIn,
    DrawsPage,
    DrawsQuery,
    RotatedOut,
    SeedOut,
    draw_out,
    seed_out,
)
from casino_club.features.odds.store import draws
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import JSON, Audience, Id, Raw, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["draws"])


@routes.get(
    "/api/seed",
    audience=Audience.USER,
    summary="The seed that one's draws are made from, by its hash",
    answers={200: SeedOut},
    refusals=(refusals.SeedMissing,),
)
async def read_seed(subject: UserSubject, database: Database) -> SeedOut:
    async with database.connection() as db:
        return seed_out(await seeds.read(db, subject))


@routes.post(
    "/api/seed",
    audience=Audience.USER,
    summary="Be promised a seed, unless one is promised already",
    answers={200: SeedOut},
)
async def promise_seed(subject: UserSubject, database: Database, odds_desk: OddsDesk, clock: Clock) -> SeedOut:
    now = clock()
    return seed_out(await database.run(lambda db: seeds.promise(db, odds_desk, subject.user_id, now=now)))


@routes.put(
    "/api/seed/client-seed",
    audience=Audience.USER,
    summary="Choose one's own part of the chance, for the draws to come",
    body=ClientSeedIn,
    answers={200: SeedOut},
    refusals=(refusals.SeedMissing,),
)
async def choose_seed(subject: UserSubject, body: ClientSeedIn, database: Database) -> SeedOut:
    return seed_out(await database.run(lambda db: seeds.choose(db, subject, body.client_seed)))


@routes.post(
    "/api/seed/rotate",
    audience=Audience.USER,
    summary="Have one's seed revealed, and be promised another",
    answers={200: RotatedOut},
    refusals=(refusals.SeedMissing, refusals.SeedUnused),
)
async def rotate_seed(subject: UserSubject, database: Database, odds_desk: OddsDesk, clock: Clock) -> RotatedOut:
    now = clock()
    revealed, following = await database.run(lambda db: seeds.rotate(db, odds_desk, subject, now=now))
    return RotatedOut(revealed, seed_out(following))


@routes.get("/api/draws", audience=Audience.USER, summary="One's own draws", query=DrawsQuery, answers={200: DrawsPage})
async def read_draws(subject: UserSubject, query: DrawsQuery, database: Database) -> DrawsPage:
    async with database.connection() as db:
        found = await draws.draws_of(db, subject.user_id, before_id=query.cursor, limit=query.limit)
    return DrawsPage([draw_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/draws/{draw_id}/proof",
    audience=Audience.USER,
    summary="The proof of one's own draw, once its seed is revealed",
    answers={200: Proof},
    refusals=(refusals.DrawMissing, refusals.SeedSecret),
)
async def read_proof(draw_id: Id, subject: UserSubject, database: Database, odds_desk: OddsDesk) -> Raw:
    async with database.connection() as db:
        text = await draw_commands.proof(db, odds_desk, subject, draw_id)
    return Raw(text.encode(), JSON)
