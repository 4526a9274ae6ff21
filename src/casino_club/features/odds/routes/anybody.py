"""What anybody may know, without a login: odds, their history, and what was promised."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.odds.commands import reads
from casino_club.features.odds.commands.desk import OddsDesk, live_or_refuse
from casino_club.features.odds.rules.markets import Market
from casino_club.features.odds.rules.refusals import ProductMissing
from casino_club.features.odds.schemas import (
    CommitmentsPage,
    CommitmentsQuery,
    HistoryOut,
    ObservedOut,
    OddsOut,
    Product,
    ProductOut,
    ProductsOut,
    commitment_out,
    observed_out,
    odds_out,
    version_out,
)
from casino_club.features.odds.store import seeds, versions
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes

Clock = Callable[[], datetime]

routes = Routes(tags=["odds"])


@routes.get("/api/odds", audience=Audience.PUBLIC, summary="Every product that has odds", answers={200: ProductsOut})
async def read_odds_products(database: Database, clock: Clock) -> ProductsOut:
    async with database.connection() as db:
        found = await versions.all_live(db, now=clock())
    return ProductsOut([ProductOut(one.product, one.digest, one.live_from, one.paused_at is not None) for one in found])


@routes.get(
    "/api/odds/{product}",
    audience=Audience.PUBLIC,
    summary="A product's odds: every rate as an exact fraction, with the table that they follow from",
    answers={200: OddsOut},
    refusals=(ProductMissing,),
)
async def read_odds(product: Product, database: Database, odds_desk: OddsDesk, clock: Clock) -> OddsOut:
    async with database.connection() as db:
        return odds_out(await reads.published(db, odds_desk, product, now=clock()))


@routes.get(
    "/api/odds/{product}/history",
    audience=Audience.PUBLIC,
    summary="All that was ever live of a product, the latest first",
    answers={200: HistoryOut},
    refusals=(ProductMissing,),
)
async def read_odds_history(product: Product, database: Database, clock: Clock) -> HistoryOut:
    now = clock()
    async with database.connection() as db:
        await live_or_refuse(db, product, now=now)
        found = await versions.history(db, product, now=now)
    return HistoryOut(product, [version_out(each) for each in found])


@routes.get(
    "/api/odds/{product}/observed",
    audience=Audience.PUBLIC,
    summary="What was drawn of a product, beside what is declared",
    answers={200: ObservedOut},
    refusals=(ProductMissing,),
)
async def read_observed(product: Product, database: Database, odds_desk: OddsDesk, clock: Clock) -> ObservedOut:
    async with database.connection() as db:
        return observed_out(await reads.observed(db, odds_desk, product, now=clock()))


@routes.get(
    "/api/market",
    audience=Audience.PUBLIC,
    summary="What holds here: which money may enter which game, ages, nights without advertising, refunds",
    answers={200: Market},
)
async def read_market(market: Market) -> Market:
    return market


@routes.get(
    "/api/commitments",
    audience=Audience.PUBLIC,
    summary="The public list of promised seeds, each chained to the one before",
    query=CommitmentsQuery,
    answers={200: CommitmentsPage},
)
async def read_commitments(query: CommitmentsQuery, database: Database) -> CommitmentsPage:
    async with database.connection() as db:
        found = await seeds.commitments(db, after=query.after, limit=query.limit)
    return CommitmentsPage(
        [commitment_out(each) for each in found], found[-1].sequence if len(found) == query.limit else None
    )
