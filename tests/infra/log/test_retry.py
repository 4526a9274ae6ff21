"""Parked rows again: applied and released together, or parked once more; no position and no mark moves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import parked, positions
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.retry import PAGE_ROWS, Retried, retry, retry_all
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import HotStoreAway, HotValue, HotWrite
from tests.builders.logs import Effects, database_reaction, hot_projection, with_rows

MAKERS = [hot_projection, database_reaction]


async def park_all(database: Database, consumer: str, ids: list[int]) -> None:
    async with database.transaction() as db:
        for each in ids:
            await parked.park(db, consumer, each, reason="before", attempts=3)


async def parked_in(database: Database) -> list[tuple[int, str, int]]:
    async with database.connection() as db:
        return [(row.action_id, row.reason, row.attempts) for row in await parked.parked_rows(db)]


async def counted(database: Database, user_id: int) -> int:
    async with database.connection() as db:
        streak: int = await db.fetchval("SELECT streak FROM action_user WHERE user_id = $1", user_id)
        return streak


@pytest.mark.parametrize("maker", MAKERS)
async def test_rows_whose_cause_is_mended_are_applied_in_order_and_released(
    database: Database, hot_store: RedisHotStore, maker: Callable[[Effects], Subscription]
) -> None:
    effects = Effects()
    ids = await with_rows(database, [1, 2, 1, 3])
    await park_all(database, maker(effects).name, ids[::-1])

    retried = await retry_all(maker(effects), Stores(database, hot_store))

    assert retried == Retried(applied=4)
    assert effects.applied == ids
    assert await parked_in(database) == []


@pytest.mark.parametrize("maker", MAKERS)
async def test_a_row_that_fails_again_stays_with_one_more_attempt_and_holds_up_nobody(
    database: Database, hot_store: RedisHotStore, maker: Callable[[Effects], Subscription]
) -> None:
    effects = Effects()
    effects.failing = {2}
    ids = await with_rows(database, [1, 2, 3])
    await park_all(database, maker(effects).name, ids)

    retried = await retry_all(maker(effects), Stores(database, hot_store))

    assert retried == Retried(applied=2, parked_again=1)
    assert await parked_in(database) == [(ids[1], repr(ValueError("user 2 can't be")), 4)]


async def test_an_effect_that_fails_leaves_nothing_behind_in_the_database(
    database: Database, hot_store: RedisHotStore
) -> None:
    effects = Effects()
    effects.failing = {2}
    ids = await with_rows(database, [1, 2])
    await park_all(database, "count", ids)

    await retry_all(database_reaction(effects), Stores(database, hot_store))

    assert (await counted(database, 1), await counted(database, 2)) == (1, 0)


async def test_a_row_that_somebody_else_is_retrying_is_left_to_them(
    database: Database, hot_store: RedisHotStore
) -> None:
    ids = await with_rows(database, [1])
    await park_all(database, "count", ids)
    begun, may_end, stores = asyncio.Event(), asyncio.Event(), Stores(database, hot_store)

    async def slow(*_: object) -> None:
        begun.set()
        await may_end.wait()

    first = asyncio.create_task(retry_all(replace(database_reaction(Effects()), to_database=slow), stores))
    await begun.wait()
    effects = Effects()
    second = await retry_all(database_reaction(effects), stores)
    may_end.set()

    assert (await first, second) == (Retried(applied=1), Retried())
    assert effects.applied == []
    assert await parked_in(database) == []


async def test_only_what_is_named_and_parked_is_applied(database: Database, hot_store: RedisHotStore) -> None:
    effects = Effects()
    ids = await with_rows(database, [1, 2, 3])
    await park_all(database, "count", ids[:2])

    retried = await retry(database_reaction(effects), Stores(database, hot_store), [ids[1], ids[2]])

    assert retried == Retried(applied=1)
    assert effects.applied == [ids[1]]
    assert [row[0] for row in await parked_in(database)] == [ids[0]]


async def test_a_row_that_left_the_log_stays_parked_and_is_counted(
    database: Database, hot_store: RedisHotStore
) -> None:
    effects = Effects()
    [first] = await with_rows(database, [1])
    await park_all(database, "count", [first, 999_999])

    retried = await retry_all(database_reaction(effects), Stores(database, hot_store))

    assert retried == Retried(applied=1, out_of_reach=1)
    assert await parked_in(database) == [(999_999, "before", 3)]


async def test_more_rows_than_a_page_are_all_retried(database: Database, hot_store: RedisHotStore) -> None:
    effects = Effects()
    ids = await with_rows(database, [1] * (PAGE_ROWS + 1))
    await park_all(database, "count", ids)

    assert await retry_all(database_reaction(effects), Stores(database, hot_store)) == Retried(applied=PAGE_ROWS + 1)


async def test_neither_the_position_nor_the_mark_moves(database: Database, hot_store: RedisHotStore) -> None:
    [first] = await with_rows(database, [1])
    await park_all(database, "seen", [first])
    async with database.transaction() as db:
        before = await positions.take(db, "seen")
    await hot_store.set_mark("seen", 41)

    await retry_all(hot_projection(Effects()), Stores(database, hot_store))

    async with database.transaction() as db:
        assert await positions.take(db, "seen") == before
    assert await hot_store.mark_of("seen") == 41
    assert await hot_store.read(1, ["seen"]) == {"seen": str(first)}


async def test_a_user_who_shows_a_later_row_is_left_alone(database: Database, hot_store: RedisHotStore) -> None:
    early, late = await with_rows(database, [1, 1])
    await park_all(database, "seen", [early])
    await hot_store.apply_apart("seen", [HotWrite(1, late, {"seen": HotValue("late")})])

    assert await retry_all(hot_projection(Effects()), Stores(database, hot_store)) == Retried(applied=1)

    assert await hot_store.read(1, ["seen"]) == {"seen": "late"}
    assert await parked_in(database) == []


async def test_a_store_that_is_away_parks_nothing_anew(database: Database) -> None:
    [first] = await with_rows(database, [1])
    await park_all(database, "seen", [first])

    async with RedisHotStore("redis://127.0.0.1:1/0") as away:
        with pytest.raises(HotStoreAway):
            await retry_all(hot_projection(Effects()), Stores(database, away))

    assert await parked_in(database) == [(first, "before", 3)]
