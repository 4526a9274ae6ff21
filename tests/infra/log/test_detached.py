"""The log's beginning in files: readers get the same rows in the same order as before it was archived."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database
from casino_club.infra.log import origin, parked, positions, rebuild, rebuilder
from casino_club.infra.log.archive import Step
from casino_club.infra.log.detached import FilesMissing, FilesUnreadable, NoFiles
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.partitions import Partition
from casino_club.infra.log.reader import Page, Position
from casino_club.infra.log.rows import LogRow
from tests.builders.actions import NOON
from tests.builders.logs import Effects, hot_projection
from tests.infra.log.archiving import USERS, Collected, an_archive, append, caught_up, logged, whole_log

NAMES = ("seen",)
FILES = ["user_actions_from_1.parquet", "user_actions_from_1001.parquet"]


class Watched(LogFiles):
    """Notes which files are read from which id on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read: list[tuple[str, int]] = []

    async def pages(
        self, file: str, *, after_id: int, rows_max: int, user_id: int | None = None
    ) -> AsyncGenerator[Sequence[LogRow], None]:
        self.read.append((file, after_id))
        async with aclosing(super().pages(file, after_id=after_id, rows_max=rows_max, user_id=user_id)) as pages:
            async for page in pages:
                yield page


async def archived(database: Database, folder: Path) -> list[LogRow]:
    """A log of 3,500 rows, the first 2,000 of which lie in files; all of its rows."""
    await append(database, 3_500)
    before = await logged(database)
    await an_archive(database, folder).run(now=NOON)
    return before


async def shown(hot: RedisHotStore) -> list[dict[str, str | None]]:
    return [await hot.read(user, NAMES) for user in range(1, USERS + 1)]


async def ask(database: Database, name: str, *, from_id: int = 1) -> None:
    async with database.transaction() as db:
        await rebuild.ask(db, name, from_id=from_id)


async def test_a_rebuild_gives_what_it_gave_before_archiving(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    effects, stores = Effects(), Stores(database, hot_store, {}, LogFiles(tmp_path))
    ids = await append(database, 3_500)
    await ask(database, "seen")
    await rebuilder.run(hot_projection(effects), stores)
    before, rows = await shown(hot_store), list(effects.applied)
    await an_archive(database, tmp_path).run(now=NOON)
    await hot_store.redis.flushall()

    effects.applied.clear()
    await ask(database, "seen")
    await rebuilder.run(hot_projection(effects), stores)

    assert effects.applied == rows == ids
    assert await shown(hot_store) == before
    async with database.connection() as db:
        assert await rebuild.asked_for(db) == []


async def test_a_reader_that_is_cut_short_goes_on_in_the_same_file(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    before, files, collected = await archived(database, tmp_path), Watched(tmp_path), Collected()
    follower = Follower(collected.subscription, Stores(database, hot_store, {}, files), page_rows=400)
    collected.full = asyncio.Event()
    collected.full_at = 1_400
    async with database.connection() as db:
        delivering = asyncio.create_task(follower.deliver_detached(db))
        await collected.full.wait()
        delivering.cancel()
        await asyncio.wait([delivering])
    async with database.connection() as db:
        held = await positions.take(db, "collected")
    had, files.read = held.position.last_id, []
    del collected.rows[had:]

    await caught_up(collected, database, hot_store, files)

    assert had >= 1_000
    assert files.read == ([] if had == 2_000 else [(FILES[1], had)])
    assert collected.rows == before


async def test_a_row_that_fails_in_a_file_is_parked_and_the_rest_goes_on(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await archived(database, tmp_path)
    effects, stores = Effects(), Stores(database, hot_store, {}, LogFiles(tmp_path))
    effects.failing = {3}
    follower = Follower(hot_projection(effects), stores, page_rows=10)

    async with database.connection() as db:
        await follower.deliver_detached(db)
        rows = await parked.parked_rows(db, limit=1_000)

    assert {row.action_id % USERS for row in rows} <= {3, 23, 43 % USERS}
    assert len(rows) + len(set(effects.applied)) == 2_000
    assert follower.held is not None
    assert follower.held.position == Position(last_id=2_000)


def test_a_part_of_a_page_from_a_file_leaves_the_position_at_the_beginning() -> None:
    rows = [_row(1), _row(2)]
    page = Page(rows, Position(last_id=2))

    assert page.until(rows[0], Position()) == Position(last_id=1)
    assert page.until(rows[1], Position()) == Position(last_id=2)


def _row(action_id: int) -> LogRow:
    return LogRow(action_id, 1, "VIEW_CONTENT", None, "{}", 1, 1, None, None, False, True, 0, 0, 0, 1, 3)


async def test_a_rebuild_without_a_file_is_refused_and_says_where_it_can_begin(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    before = await archived(database, tmp_path)
    effects, stores = Effects(), Stores(database, hot_store, {}, LogFiles(tmp_path))
    (tmp_path / FILES[0]).unlink()
    await ask(database, "seen")

    with pytest.raises(FilesMissing, match=r"user_actions_from_1\.parquet .* --from-id 1001") as refused:
        await rebuilder.run(hot_projection(effects), stores)
    nothing = list(effects.applied)
    await ask(database, "seen", from_id=refused.value.from_id)
    await rebuilder.run(hot_projection(effects), stores)

    assert nothing == []
    assert effects.applied == [row.id for row in before[1_000:]]


async def test_a_rebuild_that_has_begun_is_not_moved_on(database: Database) -> None:
    await ask(database, "seen")
    async with database.transaction() as db:
        held = await positions.take(db, "seen", rebuild.GENERATION)
        await positions.move(db, held, replace(held.position, delivering="9:9:", last_id=5))

    await ask(database, "seen", from_id=1_001)

    async with database.connection() as db:
        assert (await positions.take(db, "seen", rebuild.GENERATION)).position.last_id == 5


async def test_without_a_folder_nothing_is_read(database: Database, hot_store: RedisHotStore, tmp_path: Path) -> None:
    await archived(database, tmp_path)
    collected = Collected()

    with pytest.raises(FilesMissing, match=r"and 1 more .* --from-id 2001"):
        await caught_up(collected, database, hot_store, NoFiles())

    assert collected.rows == []


async def test_a_file_that_breaks_off_parks_nothing(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await archived(database, tmp_path)
    with (tmp_path / FILES[1]).open("r+b") as file:
        file.truncate(5_000)
    collected = Collected()

    with pytest.raises(FilesUnreadable):
        await caught_up(collected, database, hot_store, LogFiles(tmp_path))

    assert collected.ids == list(range(1, 1_001))
    async with database.connection() as db:
        assert await parked.parked_rows(db) == []


async def test_a_log_restored_from_a_dump_is_read_from_files_as_well(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await append(database, 1_700)
    await origin_is_elsewhere(database)
    await origin.adopt(database)
    await append(database, 2_800)
    before = await logged(database)

    def cut(step: Step, partition: Partition, _: int) -> None:
        if step is Step.RECORDED and partition.first_id > 1_700:
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        await an_archive(database, tmp_path).run(now=NOON, report=cut)
    between = await whole_log(database, hot_store, tmp_path)
    outcome = await an_archive(database, tmp_path).run(now=NOON)

    assert [each.first_id for each in outcome.archived] == [2_001]
    assert between == before == await whole_log(database, hot_store, tmp_path)


async def origin_is_elsewhere(database: Database) -> None:
    """As after a dump was restored: the cluster is another, and its rows' transactions are of the future."""
    await origin.adopt(database)
    async with database.transaction() as db:
        await db.execute("UPDATE log_origin SET system_identifier = 1")
        await db.execute("UPDATE user_actions SET xact = '900000000'")


def test_following_the_log_does_not_load_pyarrow() -> None:
    script = "import casino_club.entry.consumer, sys; assert 'pyarrow' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
