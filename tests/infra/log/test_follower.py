"""A follower applies every row once and in order, whoever dies, and parks what keeps failing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.effects import AWAY, Stores
from casino_club.infra.log.follower import ROW_ATTEMPTS_MAX, Follower
from casino_club.infra.log.leading import LEADER_LOCK
from casino_club.infra.log.positions import TakenOver
from casino_club.infra.log.reader import Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Policies, Subscription
from tests.builders.logs import Effects, database_reaction, hot_projection
from tests.infra.log.following import (
    Stumbling,
    Table,
    all_parked,
    append,
    asked_for,
    catch_up,
    dying_at,
    eventually,
    following,
    hot_rows,
    last_rows,
    seen,
)

STATEMENTS_MAX = 200


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table()
    await made.make(database)
    return made


async def crash_once(url: str, subscription: Subscription, hot: RedisHotStore, *, at: int, after_it: bool) -> bool:
    """Follow until caught up or dead; True if it died."""
    async with Database(url, connections_max=2, connection_class=dying_at(at, after_it=after_it)) as database:
        try:
            await catch_up(subscription, Stores(database, hot), page_rows=3)
        except AWAY:
            return True
    return False


async def test_rows_reach_postgresql_once_wherever_the_process_dies(
    database: Database, database_url: str, hot_store: RedisHotStore, table: Table
) -> None:
    ids = await append(database, [1, 2, 3, 1, 2, 3, 4])
    crashes = 0

    for after_it in (False, True):
        for at in range(1, STATEMENTS_MAX):
            async with database.transaction() as db:
                await db.execute("TRUNCATE seen; DELETE FROM log_positions")
            died = await crash_once(database_url, table.subscription, hot_store, at=at, after_it=after_it)
            before = await seen(database)
            await catch_up(table.subscription, Stores(database, hot_store), page_rows=3)

            assert before == ids[: len(before)]
            assert await seen(database) == ids, f"died at statement {at}, {after_it=}"
            if not died:
                break
            crashes += 1

    assert crashes >= 30
    assert await all_parked(database) == []


async def test_rows_reach_the_hot_store_wherever_the_process_dies(
    database: Database, database_url: str, hot_store: RedisHotStore
) -> None:
    await append(database, [1, 2, 3, 1, 2, 3, 4])
    subscription = hot_projection(Effects())
    crashes = 0

    for after_it in (False, True):
        for at in range(1, STATEMENTS_MAX):
            async with database.transaction() as db:
                await db.execute("DELETE FROM log_positions")
            await hot_store.redis.flushall()
            died = await crash_once(database_url, subscription, hot_store, at=at, after_it=after_it)
            await catch_up(subscription, Stores(database, hot_store), page_rows=3)

            assert await hot_rows(hot_store) == await last_rows(database)
            if not died:
                break
            crashes += 1

    assert crashes >= 15
    assert await asked_for(database) == []


async def test_a_row_and_its_position_are_one_transaction(
    database: Database, hot_store: RedisHotStore, table: Table
) -> None:
    await append(database, [1, 2])
    follower = Follower(table.subscription, Stores(database, hot_store))
    async with database.connection() as db:
        page = await follower.read(db)
        assert follower.held is not None
        await positions.move(db, follower.held, Position())

    with pytest.raises(TakenOver):
        await follower.deliver(page)

    assert await seen(database) == []


async def test_one_follower_leads_and_the_other_takes_over_when_it_is_gone(
    database: Database, database_url: str, hot_store: RedisHotStore, table: Table
) -> None:
    async with Database(database_url, connections_max=3) as other:
        first = Follower(table.subscription, Stores(database, hot_store))
        second = Follower(table.subscription, Stores(other, hot_store))
        async with following(first.follow(asyncio.Event())):
            ids = await append(database, [1, 2, 3])
            await eventually(lambda: has_seen(database, ids))
            async with following(second.follow(asyncio.Event())):
                ids += await append(database, [1, 2, 3])
                await eventually(lambda: has_seen(database, ids))
                assert second.held is None

                await end_leader(database)
                ids += await append(database, [1, 2, 3])
                await eventually(lambda: has_seen(database, ids))

                leads = {follower is second for follower in (first, second) if follower.held is not None}
                assert len(leads) == 1


async def test_a_leader_whose_connection_dies_leads_again_or_leaves_it_to_another(
    database: Database, database_url: str, hot_store: RedisHotStore, table: Table
) -> None:
    async with Database(database_url, connections_max=3) as other:
        ids: list[int] = []
        both = [Follower(table.subscription, Stores(each, hot_store), page_rows=5) for each in (database, other)]
        async with following(*(each.follow(asyncio.Event()) for each in both)):
            for _ in range(5):
                ids += await append(database, range(1, 30))
                await end_leader(database)
            await eventually(lambda: has_seen(database, ids))

    assert await seen(database) == ids


async def has_seen(database: Database, ids: list[int]) -> bool:
    return await seen(database) == ids


async def end_leader(database: Database) -> None:
    async def ended() -> bool:
        async with database.connection() as db:
            return bool(
                await db.fetchval(
                    """SELECT bool_or(pg_terminate_backend(pid)) FROM pg_locks
                       WHERE locktype = 'advisory' AND classid = $1 AND granted
                         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
                    LEADER_LOCK,
                )
            )

    await eventually(ended)


async def test_a_poisonous_row_is_parked_with_its_reason_and_the_rest_is_applied_in_order(
    database: Database, hot_store: RedisHotStore, table: Table
) -> None:
    ids = await append(database, [*range(1, 20), 99, *range(20, 40), 98])
    bad = [ids[19], ids[-1]]
    table.poisonous = {98, 99}

    await catch_up(table.subscription, Stores(database, hot_store))
    later = await append(database, [1])
    await catch_up(table.subscription, Stores(database, hot_store))

    assert await seen(database) == [each for each in ids if each not in bad] + later
    assert [(row.action_id, row.attempts) for row in await all_parked(database)] == [
        (each, ROW_ATTEMPTS_MAX) for each in bad
    ]
    assert f"row {bad[0]} can't be" in (await all_parked(database))[0].reason


@pytest.mark.parametrize("failure", [TimeoutError, ConnectionError, ConnectionRefusedError, FileNotFoundError])
@pytest.mark.parametrize("subscription_of", [database_reaction, hot_projection])
async def test_what_a_subscriber_raises_by_itself_is_parked_though_it_looks_like_a_server_that_is_away(
    database: Database,
    hot_store: RedisHotStore,
    failure: type[Exception],
    subscription_of: Callable[[Effects], Subscription],
) -> None:
    effects = Effects()
    effects.failing, effects.failure = {2}, failure
    ids = await append(database, [1, 2, 3])

    await catch_up(subscription_of(effects), Stores(database, hot_store))

    [row] = await all_parked(database)
    assert (row.action_id, failure.__name__ in row.reason) == (ids[1], True)
    assert effects.applied[-1] == ids[2]


async def test_a_connection_that_ends_within_an_effect_is_the_servers_fault_and_nothing_is_parked(
    database: Database, hot_store: RedisHotStore
) -> None:
    effects = Effects()
    ended: list[bool] = []

    async def end_once(db: Db, rows: Sequence[LogRow], policies: Policies) -> None:
        if not ended:
            ended.append(True)
            await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        await effects.to_database(db, rows, policies)

    subscription = replace(database_reaction(effects), to_database=end_once)
    ids = await append(database, [1, 2, 3])

    async with following(Follower(subscription, Stores(database, hot_store)).follow(asyncio.Event())):
        await eventually(lambda: have_come(effects, ids))

    assert ended
    assert await all_parked(database) == []


async def have_come(effects: Effects, ids: list[int]) -> bool:
    return effects.applied == ids


async def test_a_poisonous_row_of_a_hot_projection_is_parked_and_nothing_is_rebuilt(
    database: Database, hot_store: RedisHotStore
) -> None:
    effects = Effects()
    effects.failing = {3}
    ids = await append(database, [1, 2, 3, 4, 5])

    await catch_up(hot_projection(effects), Stores(database, hot_store))
    await append(database, [1])
    await catch_up(hot_projection(effects), Stores(database, hot_store))

    assert [row.action_id for row in await all_parked(database)] == [ids[2]]
    assert await hot_rows(hot_store) == {u: r for u, r in (await last_rows(database)).items() if u != 3}
    assert await asked_for(database) == []


@pytest.mark.parametrize("times", [1, 3])
async def test_a_store_that_is_away_is_waited_out_and_nothing_is_parked(
    database: Database, redis_url: str, table: Table, times: int
) -> None:
    ids = await append(database, [1, 2, 3])
    table.away_times = times
    async with Stumbling(redis_url) as hot:
        hot.away_times = times
        stores = Stores(database, hot)
        async with following(
            Follower(table.subscription, stores).follow(asyncio.Event()),
            Follower(hot_projection(Effects()), stores).follow(asyncio.Event()),
        ):
            await eventually(lambda: has_seen(database, ids))

            async def is_shown() -> bool:
                return await hot_rows(hot) == await last_rows(database)

            await eventually(is_shown)

    assert table.away_times == hot.away_times == 0
    assert await all_parked(database) == []
    assert await asked_for(database) == []


async def test_rows_delivered_again_never_move_hot_values_back(database: Database, hot_store: RedisHotStore) -> None:
    subscription, stores = hot_projection(Effects()), Stores(database, hot_store)
    await append(database, [1, 2, 1, 2, 3] * 4)
    async with database.connection() as db:
        first = await positions.take(db, subscription.name)
    await catch_up(subscription, stores, page_rows=4)
    async with database.transaction() as db:
        await db.execute("UPDATE log_positions SET moves = $1, delivered = $2", first.moves, first.position.delivered)

    truth = await last_rows(database)
    follower = Follower(subscription, stores, page_rows=4)
    async with database.connection() as db:
        while (page := await follower.read(db)).rows:
            await follower.deliver(page)
            assert await hot_rows(hot_store) == truth

    assert await asked_for(database) == []


async def test_rows_of_types_that_are_not_wanted_are_passed_over(
    database: Database, hot_store: RedisHotStore, table: Table
) -> None:
    picky = Subscription("picky", table.subscription.kind, "x", frozenset({"LOGIN"}), table.subscription.to_database)
    await append(database, [1, 2])

    await catch_up(picky, Stores(database, hot_store))

    assert await seen(database) == []
    async with database.connection() as db:
        assert (await positions.take(db, "picky")).moves == 1
