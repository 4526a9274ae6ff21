"""The promise of `sources.Source`, kept by the table and by the topic: consumers can't tell which one they follow."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import ROW_ATTEMPTS_MAX, Follower
from casino_club.infra.log.lag import lags
from casino_club.infra.log.reader import Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.sources import OpenSource, TableSource
from casino_club.infra.log.subscribe import Policies, Subscription
from tests.builders.logs import Effects, hot_projection
from tests.contracts.sources import has_settled
from tests.infra.log.following import (
    Stumbling,
    Table,
    all_parked,
    append,
    eventually,
    following,
    hot_rows,
    last_rows,
    seen,
)
from tests.infra.waiting import until

USERS = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table()
    await made.make(database)
    return made


@asynccontextmanager
async def followed(
    database: Database, hot: RedisHotStore, subscription: Subscription, open_source: OpenSource, *, page_rows: int = 5
) -> AsyncIterator[Follower]:
    """A follower at work, past the point at which it goes over to a topic if there is one."""
    follower = Follower(subscription, Stores(database, hot), open_source(), page_rows=page_rows)
    async with following(follower.follow(asyncio.Event())):
        await eventually(lambda: has_settled(follower))
        yield follower


async def rows_behind(database: Database, consumer: str) -> int:
    async with database.connection() as db:
        return next(lag.rows for lag in await lags(db) if lag.consumer == consumer and lag.generation == 0)


async def test_rows_from_before_and_from_now_come_once_and_in_order_per_user(
    database: Database, hot_store: RedisHotStore, table: Table, open_source: OpenSource
) -> None:
    ids = await append(database, USERS * 3)
    async with followed(database, hot_store, table.subscription, open_source):
        for _ in range(5):
            ids += await append(database, USERS * 3)
        await eventually(lambda: has_seen(database, ids))

    came = await seen(database)
    owner = dict(zip(ids, USERS * 18, strict=True))
    assert sorted(came) == ids
    for user in USERS:
        of_user = [each for each in came if owner[each] == user]
        assert of_user == sorted(of_user)


async def test_rows_come_as_they_stand_in_the_table(
    database: Database, hot_store: RedisHotStore, open_source: OpenSource
) -> None:
    rows: list[LogRow] = []

    async def keep(_: Db, given: Sequence[LogRow], __: Policies) -> None:
        rows.extend(given)

    keeping = replace(Table().subscription, name="keeping", to_database=keep)
    async with followed(database, hot_store, keeping, open_source):
        ids = await append(database, USERS)
        await until(lambda: len(rows) == len(ids))

    async with database.connection() as db:
        page = await TableSource().next_page(db, Position(), rows_max=100)
    assert sorted(rows, key=lambda row: row.id) == list(page.rows)


async def test_a_hot_projection_shows_the_last_row_of_every_user(
    database: Database, hot_store: RedisHotStore, open_source: OpenSource
) -> None:
    async with followed(database, hot_store, hot_projection(Effects()), open_source):
        for _ in range(4):
            await append(database, USERS * 2)

        async def is_shown() -> bool:
            return await hot_rows(hot_store) == await last_rows(database)

        await eventually(is_shown)


async def test_a_poisonous_row_is_parked_and_the_rest_is_applied(
    database: Database, hot_store: RedisHotStore, table: Table, open_source: OpenSource
) -> None:
    table.poisonous = {98, 99}
    async with followed(database, hot_store, table.subscription, open_source, page_rows=40):
        ids = await append(database, [*USERS, 99, *USERS, 98, *USERS])
        bad = [ids[7], ids[15]]
        await eventually(lambda: has_seen(database, [each for each in ids if each not in bad]))

        async def are_parked() -> bool:
            return [(row.action_id, row.attempts) for row in await all_parked(database)] == [
                (each, ROW_ATTEMPTS_MAX) for each in bad
            ]

        await eventually(are_parked)
        ids += await append(database, USERS)
        await eventually(lambda: has_seen(database, [each for each in ids if each not in bad]))


async def test_a_store_that_is_away_is_waited_out_and_nothing_comes_twice(
    database: Database, redis_url: str, table: Table, open_source: OpenSource
) -> None:
    async with (
        Stumbling(redis_url) as hot,
        followed(database, hot, table.subscription, open_source),
        followed(database, hot, hot_projection(Effects()), open_source),
    ):
        table.away_times = hot.away_times = 3
        ids = await append(database, USERS * 4)
        await eventually(lambda: has_seen(database, ids))

        async def is_shown() -> bool:
            return await hot_rows(hot) == await last_rows(database)

        await eventually(is_shown)
    assert await all_parked(database) == []


async def test_whoever_takes_over_goes_on_where_the_other_stopped(
    database: Database, hot_store: RedisHotStore, table: Table, open_source: OpenSource
) -> None:
    ids: list[int] = []
    for _ in range(3):
        async with followed(database, hot_store, table.subscription, open_source):
            ids += await append(database, USERS * 3)
            await eventually(partial(has_seen, database, ids[-5:], at_least=True))
        ids += await append(database, USERS)
    async with followed(database, hot_store, table.subscription, open_source):
        await eventually(lambda: has_seen(database, ids))


async def test_the_lag_is_what_has_not_been_applied_and_ends_at_nothing(
    database: Database, hot_store: RedisHotStore, table: Table, open_source: OpenSource
) -> None:
    async with followed(database, hot_store, table.subscription, open_source):
        ids = await append(database, USERS)
        await eventually(lambda: has_seen(database, ids))
        assert await rows_behind(database, "table") == 0
    await append(database, USERS)

    assert await rows_behind(database, "table") == len(USERS)


async def has_seen(database: Database, ids: list[int], *, at_least: bool = False) -> bool:
    came = sorted(await seen(database))
    return set(ids) <= set(came) if at_least else came == ids
