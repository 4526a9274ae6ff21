"""What the warehouse holds is what the log says, however often pages arrive."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.db.database import Database
from casino_club.infra.log.into_warehouse import BLOCK_MB_MAX, InWarehouse
from casino_club.infra.log.parked import parked_rows
from casino_club.infra.log.retry import retry_all
from casino_club.infra.log.rows import LogRow
from casino_club.infra.ports import Block, WarehouseAway, WarehouseStore
from casino_club.infra.warehouse import generations, layouts
from casino_club.infra.warehouse.layouts import Layout
from casino_club.infra.warehouse.warehouse import Warehouse
from casino_club.kernel.clock import Calendar
from tests.builders.actions import NOON, a_log, a_policy, a_view, record
from tests.features.actions.warehoused import (
    ALL_USERS,
    HASHES,
    USER_DAYS,
    USERS,
    Place,
    user_days,
    users,
    write_history,
)

LARGE_ROWS = 5_000
LARGE = """
    INSERT INTO user_actions (id, appended_at, user_id, scope, action_type, metadata, action_timestamp, is_play,
                              by_user, streak, day_plays, last_action_at)
    SELECT n, now(), n, 0, 'VIEW_CONTENT', json_build_object('note', repeat('x', 8000)), now(), false, true, 0, 0, now()
    FROM generate_series(1, $1) AS n"""


@pytest.fixture
def place(database: Database, warehouse_store: WarehouseStore) -> Place:
    return Place(database, warehouse_store)


@pytest.mark.parametrize("seed", range(3))
async def test_every_table_holds_what_the_log_says(place: Place, seed: int) -> None:
    await write_history(place.database, random.Random(seed))

    await place.catch_up()

    logged = await place.logged()
    assert await place.rows(USER_DAYS) == user_days(logged)
    assert await place.rows(USERS) == users(logged)
    assert await place.rows("SELECT count(), uniqExact(id), sum(cityHash64(metadata)) > 0 FROM actions") == [
        [600, 600, True]
    ]


KEEP_MERGED = """SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine_full LIKE '%old_parts_lifetime = 480%' ORDER BY name"""


async def test_what_was_merged_stays_for_a_while_in_every_table(place: Place) -> None:
    await place.catch_up()

    assert await place.rows(KEEP_MERGED) == [["actions"], ["user_days"], ["users"]]


async def test_tables_of_an_earlier_version_keep_what_was_merged_once_they_are_brought_up_to_date(place: Place) -> None:
    await place.catch_up()
    async with place.database.connection() as db:
        live = await generations.find(db, projection.name)
    assert live is not None
    assert projection.to_warehouse is not None
    database = live.database(place.store.database)
    for table in ("actions", "user_days", "users"):
        await place.store.run(f"ALTER TABLE {table} RESET SETTING old_parts_lifetime", database=database)
    forget = "ALTER TABLE schema_versions DELETE WHERE name LIKE 'tables_0002%' SETTINGS mutations_sync = 1"
    await place.store.run(forget, database=database)
    assert await place.rows(KEEP_MERGED) == []

    ran = await layouts.apply(place.store, Layout(projection.to_warehouse.package, None), database)

    assert ran == ["tables_0002_merged_parts.sql"]
    assert await place.rows(KEEP_MERGED) == [["actions"], ["user_days"], ["users"]]


class Failing:
    """A warehouse that cuts its writer off: before an insert, or after it."""

    def __init__(self, store: WarehouseStore, *, at: int, after_it: bool) -> None:
        self._store = store
        self._left = at
        self._after_it = after_it

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        self._left -= 1
        if self._left == 0 and not self._after_it:
            raise WarehouseAway("cut before")
        await self._store.insert(table, block, database=database, token=token)
        if self._left == 0:
            raise WarehouseAway("cut after")


@pytest.mark.parametrize("after_it", [False, True])
@pytest.mark.parametrize("at", [1, 2, 6])
async def test_a_page_that_was_cut_is_sent_again_unchanged(place: Place, at: int, after_it: bool) -> None:
    await write_history(place.database, random.Random(at))
    failing = replace(place, store=cast("WarehouseStore", Failing(place.store, at=at, after_it=after_it)))
    with pytest.raises(WarehouseAway, match="cut"):
        await failing.catch_up()
    await record(a_log(place.database), [a_view(1, at=NOON)], now=NOON, policy=a_policy())

    await place.catch_up(place.follower(page_rows=70))

    logged = await place.logged()
    assert await place.rows(USER_DAYS) == user_days(logged)
    assert await place.rows("SELECT count() FROM actions") == [[601]]


async def test_every_page_sent_twice_changes_no_figure(place: Place, database: Database) -> None:
    await write_history(database, random.Random(1))
    sent: list[tuple[str, Block, str, str]] = []

    class Remembering(Failing):
        async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
            sent.append((table, block, database, token))
            await place.store.insert(table, block, database=database, token=token)

    await replace(place, store=cast("WarehouseStore", Remembering(place.store, at=0, after_it=False))).catch_up()
    before = await place.hashes()

    for table, block, name, token in sent * 2:
        await place.store.insert(table, block, database=name, token=token)

    assert len(sent) == 6
    assert await place.hashes() == before
    assert [each.rows > 0 for each in before] == [True] * 3


class Watched:
    """The projection, with the calendars by which it turned rows into columns."""

    def __init__(self) -> None:
        assert projection.to_warehouse is not None
        self._turned_by = projection.to_warehouse.effect
        self.subscription = replace(projection, to_warehouse=replace(projection.to_warehouse, effect=self._turn))
        self.zones: list[str] = []

    def _turn(self, rows: Sequence[LogRow], calendar: Calendar) -> Block:
        self.zones.append(calendar.zone)
        return self._turned_by(rows, calendar)


async def test_a_page_that_was_foreseen_is_turned_into_columns_once(place: Place, database: Database) -> None:
    await write_history(database, random.Random(3), rows=50)
    watched = Watched()
    follower = place.follower(subscription=watched.subscription)

    async with database.connection() as db:
        page = await follower.read(db)
        follower.effect.foresee(page.rows)
        await follower.deliver(page)

    assert watched.zones == ["Asia/Seoul"]
    assert await place.rows(USER_DAYS) == user_days(await place.logged())


async def test_what_was_foreseen_by_another_calendar_is_turned_anew(place: Place, database: Database) -> None:
    await write_history(database, random.Random(3), rows=50)
    watched = Watched()
    follower = place.follower(subscription=watched.subscription)
    assert isinstance(follower.effect, InWarehouse)

    async with database.connection() as db:
        page = await follower.read(db)
        follower.effect.calendar = Calendar("America/New_York")
        follower.effect.foresee(page.rows)
        await follower.effect.make_tables(db)
        await follower.deliver(page)

    assert watched.zones[-1] == "Asia/Seoul"
    assert await place.rows(USER_DAYS) == user_days(await place.logged())


async def test_a_page_that_is_too_large_goes_in_parts(place: Place, database: Database) -> None:
    await a_log(database).make_room(LARGE_ROWS)
    async with database.connection() as db:
        await db.execute(LARGE, LARGE_ROWS)
    sizes: list[int] = []

    class Weighing(Failing):
        async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
            sizes.append(len(block.data))
            await place.store.insert(table, block, database=database, token=token)

    weighed = replace(place, store=cast("WarehouseStore", Weighing(place.store, at=0, after_it=False)))
    await weighed.catch_up(weighed.follower(page_rows=LARGE_ROWS))

    assert len(sizes) == 2
    assert max(sizes) <= BLOCK_MB_MAX * 1024**2
    assert await place.rows("SELECT count(), uniqExact(id) FROM actions") == [[LARGE_ROWS, LARGE_ROWS]]
    async with database.connection() as db:
        assert await parked_rows(db) == []


async def test_without_its_token_a_page_would_count_twice(place: Place) -> None:
    await write_history(place.database, random.Random(1))

    class Forgetful(Failing):
        async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
            for _ in range(2):
                await place.store.insert(table, block, database=database, token=uuid4().hex)

    await replace(place, store=cast("WarehouseStore", Forgetful(place.store, at=0, after_it=False))).catch_up()

    assert await place.rows("SELECT count() FROM actions") == [[1_200]]


async def test_a_row_that_cannot_be_converted_is_parked_alone(place: Place) -> None:
    await write_history(place.database, random.Random(2), rows=200)
    async with place.database.transaction() as db:
        bad: int = await db.fetchval("SELECT id FROM user_actions WHERE action_type = 'PURCHASE' ORDER BY id LIMIT 1")
        await db.execute("""UPDATE user_actions SET metadata = '{"amount": "a lot"}' WHERE id = $1""", bad)

    await place.catch_up()

    async with place.database.connection() as db:
        assert [row.action_id for row in await parked_rows(db)] == [bad]
    assert await place.rows("SELECT count(), countIf(id = " + str(bad) + ") FROM actions") == [[199, 0]]


async def test_a_parked_row_that_was_mended_arrives_once(place: Place) -> None:
    await write_history(place.database, random.Random(2), rows=200)
    async with place.database.transaction() as db:
        bad: int = await db.fetchval("SELECT id FROM user_actions WHERE action_type = 'PURCHASE' ORDER BY id LIMIT 1")
        await db.execute("""UPDATE user_actions SET metadata = '{"amount": "a lot"}' WHERE id = $1""", bad)
    await place.catch_up()
    async with place.database.transaction() as db:
        await db.execute("""UPDATE user_actions SET metadata = '{"amount": 9}' WHERE id = $1""", bad)

    retried = await retry_all(projection, place.stores)

    assert retried.applied == 1
    assert await place.rows(USER_DAYS) == user_days(await place.logged())


async def test_an_answer_says_how_far_the_warehouse_is(place: Place) -> None:
    await write_history(place.database, random.Random(3), rows=50)
    await place.catch_up()
    done = await Warehouse(place.database, place.store).read(HASHES, ALL_USERS)
    await record(a_log(place.database), [a_view(1, at=NOON)], now=NOON + timedelta(hours=1), policy=a_policy())

    behind = await Warehouse(place.database, place.store).read(HASHES, ALL_USERS)

    assert behind.watermark.as_of == NOON + timedelta(hours=1)
    assert done.watermark.as_of > behind.watermark.as_of
    assert behind.watermark.snapshot == done.watermark.snapshot


async def test_before_the_first_page_there_is_nothing_to_read(place: Place) -> None:
    with pytest.raises(WarehouseAway, match="no tables yet"):
        await place.hashes()
