"""A log restored from a dump: what readers had not had is carried over once, what they had does not come again."""

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import origin, positions
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.lag import lags
from tests.infra.log.following import Table, append, catch_up, seen

SHIFTS = (10**9, -500)
"""The old cluster's transaction numbers are above the new one's, or below."""


@pytest.fixture
async def table(database: Database) -> Table:
    assert not await origin.adopt(database)
    made = Table()
    await made.make(database)
    return made


async def restore_elsewhere(database: Database, shift: int) -> None:
    """As if this database were a dump, restored into another cluster: all transaction numbers in it are foreign."""
    async with database.transaction() as db:
        await db.execute("UPDATE user_actions SET xact = (xact::text::bigint + $1)::text::xid8", shift)
        for consumer, *snapshots in await db.fetch("SELECT consumer, delivered, delivering FROM log_positions"):
            shifted = [shifted_snapshot(snapshot, shift) for snapshot in snapshots]
            await db.execute(
                "UPDATE log_positions SET delivered = $2, delivering = $3 WHERE consumer = $1", consumer, *shifted
            )
        await db.execute("UPDATE log_origin SET system_identifier = system_identifier - 1")


def shifted_snapshot(snapshot: str | None, shift: int) -> str | None:
    if snapshot is None or snapshot == "1:1:":
        return snapshot
    xmin, xmax, running = snapshot.split(":")
    moved = [str(int(each) + shift) for each in running.split(",") if each]
    return f"{int(xmin) + shift}:{int(xmax) + shift}:{','.join(moved)}"


async def lag_rows(database: Database) -> int:
    async with database.connection() as db:
        [lag] = await lags(db)
        return lag.rows


async def test_the_cluster_is_remembered_and_adopting_again_changes_nothing(database: Database, table: Table) -> None:
    await append(database, [1])

    assert not await origin.adopt(database)

    async with database.connection() as db:
        assert await db.fetchval("SELECT floor_id FROM log_origin") == 0


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("page_rows", [2, 100])
async def test_a_reader_that_had_all_gets_only_what_is_new(
    database: Database, hot_store: RedisHotStore, table: Table, shift: int, page_rows: int
) -> None:
    stores = Stores(database, hot_store)
    ids = await append(database, [1, 2, 3])
    await catch_up(table.subscription, stores)
    await restore_elsewhere(database, shift)

    assert await origin.adopt(database)
    await catch_up(table.subscription, stores, page_rows=page_rows)
    ids += await append(database, [4, 1, 5])
    await catch_up(table.subscription, stores, page_rows=page_rows)

    assert await seen(database) == ids


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("page_rows", [1, 2, 100])
async def test_what_a_reader_had_not_had_is_carried_over_once(
    database: Database, hot_store: RedisHotStore, table: Table, shift: int, page_rows: int
) -> None:
    stores = Stores(database, hot_store)
    had = await append(database, [1, 2, 3])
    await catch_up(table.subscription, stores)
    waiting = await append(database, [1, 4, 5, 6])
    await restore_elsewhere(database, shift)

    assert await origin.adopt(database)
    assert await lag_rows(database) == len(waiting)
    new = await append(database, [1, 2])
    assert await lag_rows(database) == len(waiting + new)
    await catch_up(table.subscription, stores, page_rows=page_rows)

    assert await seen(database) == had + waiting + new
    assert await lag_rows(database) == 0


@pytest.mark.parametrize("shift", SHIFTS)
async def test_a_row_that_was_late_when_the_dump_was_taken_is_carried_over(
    database: Database, hot_store: RedisHotStore, table: Table, shift: int
) -> None:
    stores = Stores(database, hot_store)
    await append(database, [1])
    async with database.transaction() as db:
        await db.execute(
            """INSERT INTO user_actions (id, appended_at, user_id, scope, action_type, metadata, action_timestamp,
                 is_play, by_user, streak, day_plays, last_action_at)
               VALUES (nextval('action_ids'), now(), 9, 0, 'LOGIN', '{}', now(), false, true, 0, 0, now())"""
        )
        after = await append(database, [2])
        await catch_up(table.subscription, stores)
    await restore_elsewhere(database, shift)
    await origin.adopt(database)

    await catch_up(table.subscription, stores)

    assert await seen(database) == [after[0] - 2, after[0], after[0] - 1]


@pytest.mark.parametrize("shift", SHIFTS)
async def test_a_pass_that_was_under_way_goes_on_where_it_was(
    database: Database, hot_store: RedisHotStore, table: Table, shift: int
) -> None:
    stores = Stores(database, hot_store)
    ids = await append(database, [1, 2])
    await catch_up(table.subscription, stores)
    ids += await append(database, range(1, 11))
    await deliver_pages(table, stores, count=2, page_rows=3)
    before = await seen(database)
    ids += await append(database, [3])
    await restore_elsewhere(database, shift)
    await origin.adopt(database)

    assert await lag_rows(database) == len(ids) - len(before)
    await deliver_pages(table, stores, count=1, page_rows=2)
    await catch_up(table.subscription, stores, page_rows=4)

    assert len(before) == 8
    assert await seen(database) == ids


async def deliver_pages(table: Table, stores: Stores, *, count: int, page_rows: int) -> None:
    follower = Follower(table.subscription, stores, page_rows=page_rows)
    async with stores.database.connection() as db:
        for _ in range(count):
            await follower.deliver(await follower.read(db))


@pytest.mark.parametrize("second", SHIFTS)
@pytest.mark.parametrize("first", SHIFTS)
@pytest.mark.parametrize("pages_between", [0, 1, 9])
async def test_a_log_may_be_restored_twice_wherever_its_reader_is(
    database: Database, hot_store: RedisHotStore, table: Table, first: int, second: int, pages_between: int
) -> None:
    stores = Stores(database, hot_store)
    ids = await append(database, [1, 2, 3])
    await catch_up(table.subscription, stores)
    ids += await append(database, [1, 4, 5, 6])
    await restore_elsewhere(database, first)
    await origin.adopt(database)
    ids += await append(database, [7, 8, 9])
    if pages_between:
        for _ in range(pages_between):
            async with database.connection() as db:
                follower = Follower(table.subscription, stores, page_rows=2)
                if (page := await follower.read(db)).rows:
                    await follower.deliver(page)
    await restore_elsewhere(database, second)

    assert await origin.adopt(database)
    ids += await append(database, [7, 1])
    assert await lag_rows(database) == len(ids) - len(await seen(database))
    await catch_up(table.subscription, stores, page_rows=2)

    assert await seen(database) == ids


async def test_a_consumer_that_is_new_after_a_restore_gets_the_whole_log(
    database: Database, hot_store: RedisHotStore, table: Table
) -> None:
    ids = await append(database, [1, 2, 3])
    await restore_elsewhere(database, SHIFTS[0])
    await origin.adopt(database)
    ids += await append(database, [4])

    await catch_up(table.subscription, Stores(database, hot_store), page_rows=2)

    assert await seen(database) == ids


async def test_a_follower_that_runs_on_finds_its_position_taken_over(
    database: Database, hot_store: RedisHotStore, table: Table
) -> None:
    await append(database, [1])
    follower = Follower(table.subscription, Stores(database, hot_store))
    async with database.connection() as db:
        page = await follower.read(db)
        await restore_elsewhere(database, SHIFTS[0])
        await origin.adopt(database)

        with pytest.raises(positions.TakenOver):
            await follower.deliver(page)
