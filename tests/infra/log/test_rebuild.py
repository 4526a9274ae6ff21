"""A projection that was lost, or never was right, is rebuilt from the log, whatever happens meanwhile."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import positions, rebuild
from casino_club.infra.log.effects import AWAY, Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.rebuilder import rebuild_when_asked, run
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import HotValue, HotWrite
from tests.builders.logs import Effects, hot_projection
from tests.infra.log.following import (
    Stumbling,
    append,
    asked_for,
    catch_up,
    dying_at,
    eventually,
    following,
    hot_rows,
    last_rows,
)

STATEMENTS_MAX = 300
USERS = range(1, 41)


@pytest.fixture
def seen() -> Subscription:
    return hot_projection(Effects())


async def ask(database: Database) -> None:
    async with database.transaction() as db:
        await rebuild.ask(db, "seen")


async def is_right(database: Database, hot: RedisHotStore) -> bool:
    return await hot_rows(hot) == await last_rows(database)


async def write_until(database: Database, over: asyncio.Event, users: Sequence[int] = USERS) -> None:
    rng = random.Random(7)
    while not over.is_set():
        await append(database, [rng.choice(users) for _ in range(20)])
        await asyncio.sleep(0)


async def leftovers(hot: RedisHotStore) -> list[str]:
    return [key async for key in hot.redis.scan_iter("rebuild:*")]


async def test_a_rebuild_shows_what_the_log_says(
    database: Database, hot_store: RedisHotStore, seen: Subscription
) -> None:
    await append(database, [*USERS, 1, 2, 3])
    await ask(database)

    assert await run(seen, Stores(database, hot_store))

    assert await is_right(database, hot_store)
    assert await asked_for(database) == []
    assert await leftovers(hot_store) == []


async def test_a_store_that_is_emptied_under_load_is_rebuilt_without_being_told(
    database: Database, database_url: str, hot_store: RedisHotStore, seen: Subscription
) -> None:
    over = asyncio.Event()
    await append(database, USERS)
    async with Database(database_url, connections_max=6) as writing:
        stores = Stores(database, hot_store)
        async with following(Follower(seen, stores).follow(asyncio.Event()), rebuild_when_asked([seen], stores)):
            await eventually(lambda: is_right(database, hot_store))
            writers = [asyncio.create_task(write_until(writing, over, range(1, 6))) for _ in range(3)]
            for _ in range(3):
                await hot_store.redis.flushall()
                await eventually(lambda: is_asked(database))
            over.set()
            await asyncio.gather(*writers)
            await append(database, [1])

            async def is_done() -> bool:
                return await asked_for(database) == [] and await is_right(database, hot_store)

            await eventually(is_done)

    assert await leftovers(hot_store) == []


async def is_asked(database: Database) -> bool:
    return await asked_for(database) == ["seen"]


async def test_a_rebuild_comes_to_its_end_while_rows_are_written(
    database: Database, database_url: str, hot_store: RedisHotStore, seen: Subscription
) -> None:
    over = asyncio.Event()
    await append(database, USERS)
    async with Database(database_url, connections_max=6) as writing:
        stores = Stores(database, hot_store)
        async with following(Follower(seen, stores).follow(asyncio.Event())):
            writers = [asyncio.create_task(write_until(writing, over)) for _ in range(4)]
            for _ in range(3):
                await ask(database)
                await asyncio.wait_for(run(seen, stores), 10)
            over.set()
            await asyncio.gather(*writers)

            await eventually(lambda: is_right(database, hot_store))

    assert await asked_for(database) == []


async def test_a_rebuild_comes_to_its_end_though_each_of_its_pages_finds_more(
    database: Database, redis_url: str, seen: Subscription
) -> None:
    await append(database, USERS)
    async with Stumbling(redis_url) as hot:
        stores = Stores(database, hot)
        hot.before_rebuilding = lambda: append(database, [1, 99])
        await ask(database)

        await asyncio.wait_for(run(seen, stores), 10)
        await catch_up(seen, stores)

        assert await is_right(database, hot)


async def test_a_rebuild_goes_on_wherever_its_runner_died(
    database: Database, database_url: str, hot_store: RedisHotStore, seen: Subscription
) -> None:
    await append(database, USERS)
    crashes = 0

    for after_it in (False, True):
        for at in range(1, STATEMENTS_MAX):
            await hot_store.redis.flushall()
            await ask(database)
            async with Database(
                database_url, connections_max=3, connection_class=dying_at(at, after_it=after_it)
            ) as dying:
                died = await died_in(seen, Stores(dying, hot_store))
            while await asked_for(database):
                await run(seen, Stores(database, hot_store))

            assert await is_right(database, hot_store), f"died at statement {at}, {after_it=}"
            assert await leftovers(hot_store) == []
            if not died:
                break
            crashes += 1

    assert crashes >= 15


async def died_in(subscription: Subscription, stores: Stores) -> bool:
    try:
        await run(subscription, stores)
    except AWAY:
        return True
    return False


async def test_users_whom_the_log_does_not_know_are_removed(
    database: Database, hot_store: RedisHotStore, seen: Subscription
) -> None:
    await append(database, [1, 2])
    await hot_store.apply_apart("seen", [HotWrite(77, 5, {"seen": HotValue("5")})])
    await ask(database)

    await run(seen, Stores(database, hot_store))

    assert await is_right(database, hot_store)


async def test_users_newer_than_the_rebuild_are_kept(database: Database, redis_url: str, seen: Subscription) -> None:
    await append(database, [1, 2])
    async with Stumbling(redis_url) as hot:
        stores = Stores(database, hot)
        await catch_up(seen, stores)
        await ask(database)

        async def one_more() -> None:
            await append(database, [2, 3])
            await catch_up(seen, stores)

        hot.before_swap = one_more
        await run(seen, stores)

        assert await is_right(database, hot)


@pytest.mark.parametrize("guard", ["999999999999", "not a number"])
async def test_a_value_that_its_guard_would_hold_for_ever_is_put_right(
    database: Database, hot_store: RedisHotStore, seen: Subscription, guard: str
) -> None:
    stores = Stores(database, hot_store)
    await append(database, [1, 2])
    await catch_up(seen, stores)
    await hot_store.redis.mset({"user:{1}:seen": "666", "user:{1}:seen_row_id": guard})
    await ask(database)

    await run(seen, stores)
    assert await is_right(database, hot_store)

    await append(database, [1])
    await catch_up(seen, stores)
    assert await is_right(database, hot_store)


@pytest.mark.parametrize("moment", ["before_swap", "after_swap"])
async def test_a_store_that_is_emptied_while_a_rebuild_swaps_is_rebuilt_once_more(
    database: Database, redis_url: str, seen: Subscription, moment: str
) -> None:
    await append(database, USERS)
    async with Stumbling(redis_url) as hot:
        stores = Stores(database, hot)
        await catch_up(seen, stores)

        async def lose_all() -> None:
            await hot.redis.flushall()
            await append(database, [1])
            async with following(Follower(seen, stores).follow(asyncio.Event())):
                await eventually(lambda: is_marked(hot))
            hot.before_swap = hot.after_swap = None

        setattr(hot, moment, lose_all)
        await ask(database)
        await run(seen, stores)

        assert await asked_for(database) == ["seen"]
        for _ in range(3):
            await run(seen, stores)
        assert await is_right(database, hot)
        assert await asked_for(database) == []


async def is_marked(hot: RedisHotStore) -> bool:
    """The follower has noticed, has asked for a rebuild, and goes on."""
    return await hot.mark_of("seen") is not None


async def test_a_rebuild_that_loses_what_it_wrote_begins_again(
    database: Database, hot_store: RedisHotStore, seen: Subscription
) -> None:
    stores = Stores(database, hot_store)
    await append(database, USERS)
    await ask(database)
    follower = Follower(seen, stores, generation=rebuild.GENERATION, page_rows=10)
    async with database.connection() as db:
        await follower.deliver(await follower.read(db))
    await hot_store.redis.flushall()

    await run(seen, stores)
    assert await asked_for(database) == ["seen"]
    await run(seen, stores)

    assert await is_right(database, hot_store)
    assert await asked_for(database) == []


async def test_a_second_request_joins_the_first(database: Database) -> None:
    await ask(database)
    async with database.connection() as db:
        before = await positions.take(db, "seen", rebuild.GENERATION)

    await ask(database)

    async with database.connection() as db:
        assert await positions.take(db, "seen", rebuild.GENERATION) == before


async def test_only_one_process_runs_a_rebuild(database: Database, redis_url: str, seen: Subscription) -> None:
    await append(database, USERS)
    await ask(database)
    async with Stumbling(redis_url) as hot:
        answers: list[bool] = []

        async def another() -> None:
            answers.append(await run(seen, Stores(database, hot)))

        hot.before_swap = another
        assert await run(seen, Stores(database, hot))

        assert answers == [False]
        assert await is_right(database, hot)
