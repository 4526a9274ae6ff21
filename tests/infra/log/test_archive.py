"""Partitions move into files and out of the table: what may go, that nothing is lost, that a cut run is finished."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.backends.parquet import SCHEMA, ParquetFolder, log_rows
from casino_club.infra.db.database import Database
from casino_club.infra.log import effects, positions, rebuild
from casino_club.infra.log.archive import COLUMNS, Archive, Outcome, Step, Unarchivable
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.reader import Position
from casino_club.infra.ports import Unusable
from tests.builders.actions import NOON, a_log, a_policy, a_row, record
from tests.infra.log.archiving import (
    PARTITION_ROWS,
    USERS,
    Collected,
    an_archive,
    append,
    caught_up,
    logged,
    whole_log,
)

YEARS_LATER = NOON + timedelta(days=401)


async def tables(database: Database) -> list[str]:
    async with database.connection() as db:
        rows = await db.fetch("SELECT relname FROM pg_class WHERE relname ~ '^user_actions_from_\\d+$' ORDER BY oid")
    return [row[0].removeprefix("user_actions_from_") for row in rows]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def gone(outcome: Outcome) -> list[int]:
    return [each.first_id for each in outcome.archived]


async def test_what_is_too_much_goes_oldest_first_and_the_file_holds_every_row_as_it_was(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await append(database, 3_500)
    before = await logged(database)

    outcome = await an_archive(database, tmp_path).run(now=NOON)

    assert (gone(outcome), outcome.waits_for) == ([1, 1_001], None)
    assert await tables(database) == ["2001", "3001", "4001", "5001"]
    assert await logged(database) == before[2_000:]
    assert await whole_log(database, hot_store, tmp_path) == before


async def test_old_partitions_go_but_never_the_one_being_written(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    archive = an_archive(database, tmp_path, keep_partitions_max=200)

    young = await archive.run(now=NOON + timedelta(days=399))
    old = await archive.run(now=YEARS_LATER)

    assert (gone(young), gone(old)) == ([], [1, 1_001, 2_001])


async def test_one_young_row_keeps_its_partition(database: Database, tmp_path: Path) -> None:
    await append(database, 2_500)
    async with database.transaction() as db:
        await db.execute("UPDATE user_actions SET appended_at = $1 WHERE id = 1500", YEARS_LATER)

    outcome = await an_archive(database, tmp_path, keep_partitions_max=200).run(now=YEARS_LATER)

    assert gone(outcome) == [1]


async def test_a_partition_without_rows_goes_too_and_its_file_is_read_as_nothing(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await append(database, 1_000)
    async with database.transaction() as db:
        await db.execute("SELECT setval('action_ids', 2400)")
    await append(database, 1_000)
    before = await logged(database)

    outcome = await an_archive(database, tmp_path).run(now=NOON)

    assert [(each.first_id, each.row_count) for each in outcome.archived] == [(1, 1_000), (1_001, 0)]
    assert await whole_log(database, hot_store, tmp_path) == before


async def test_an_export_that_fails_leaves_no_draft(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)

    def fail(step: Step, *_: object) -> None:
        if step is Step.EXPORTING:
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        await an_archive(database, tmp_path).run(now=NOON, report=fail)

    assert files_in(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_a_line_for_people(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    (tmp_path / "file").touch()

    with pytest.raises(Unusable, match="CASINO_CLUB_LOG_ARCHIVE_DIR"):
        await an_archive(database, tmp_path / "file").run(now=NOON)


async def test_a_dry_run_says_what_would_go_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)

    outcome = await an_archive(database, tmp_path).plan(now=NOON)

    assert [(each.first_id, each.row_count) for each in outcome.archived] == [(1, 1_000), (1_001, 1_000)]
    assert len(await logged(database)) == 3_500
    assert files_in(tmp_path) == []


SNAPSHOT = "(SELECT pg_current_snapshot()::text)"
HELD = {
    "a consumer at the beginning": ("'1:1:'", "NULL", 0, "NULL", 0, []),
    "a consumer that pages its first pass": ("'1:1:'", SNAPSHOT, 1_500, "NULL", 0, []),
    "a rebuild": ("'1:1:'", "NULL", 0, "NULL", 1, []),
    "a snapshot older than the second partition": ("$early", "NULL", 0, "NULL", 0, [1]),
    "a restored consumer": (SNAPSHOT, "NULL", 1_500, "2000", 0, [1]),
    "a consumer past both": (SNAPSHOT, "NULL", 0, "NULL", 0, [1, 1_001]),
    "a restored consumer past both": (SNAPSHOT, "NULL", 2_000, "3000", 0, [1, 1_001]),
}


@pytest.mark.parametrize("reader", HELD)
async def test_a_partition_that_a_reader_still_needs_stays(database: Database, tmp_path: Path, reader: str) -> None:
    delivered, delivering, last_id, carry_to, generation, goes = HELD[reader]
    await append(database, 1_000)
    async with database.connection() as db:
        early = await db.fetchval("SELECT pg_current_snapshot()::text")
    await append(database, 2_500)
    async with database.transaction() as db:
        await db.execute(
            f"""INSERT INTO log_positions
                    (consumer, generation, delivered, delivering, last_id, carry_to, moves, moved_at)
                VALUES ('reader', {generation}, {delivered.replace("$early", f"'{early}'")}, {delivering},
                        {last_id}, {carry_to}, 3, now())"""
        )

    archive = an_archive(database, tmp_path)
    planned, outcome = await archive.plan(now=NOON), await archive.run(now=NOON)

    assert gone(outcome) == goes == gone(planned)
    assert planned.waits_for == outcome.waits_for
    assert (outcome.waits_for is None) == (len(goes) == 2)
    assert outcome.waits_for is None or "reader, which has yet to read" in outcome.waits_for


async def test_a_reader_that_begins_during_the_export_keeps_the_partition(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await append(database, 3_500)
    beginning = _Beginning(database_url)

    outcome = await _during_export(database, tmp_path, beginning.begin_and_commit).run(now=NOON)

    assert (gone(outcome), outcome.waits_for) == ([], "the rebuild of late, which has yet to read user_actions_from_1")


async def test_a_reader_that_is_about_to_begin_is_waited_for(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await append(database, 3_500)
    beginning = _Beginning(database_url)

    outcome = await _during_export(database, tmp_path, beginning.begin).run(now=NOON)
    beginning.may_commit.set()
    beginning.join()

    assert (gone(outcome), outcome.waits_for) == ([], "a transaction that has the log in use for long")


async def test_a_transaction_that_may_still_write_keeps_all(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    async with database.transaction() as slow:
        await slow.execute("SELECT pg_current_xact_id()")

        outcome = await an_archive(database, tmp_path).run(now=NOON)

    assert gone(outcome) == []
    assert outcome.waits_for == "a transaction that has been open for long"
    assert gone(await an_archive(database, tmp_path).run(now=NOON)) == [1, 1_001]


async def test_a_detach_that_a_reading_transaction_cuts_short_is_finished_by_the_next_run(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await append(database, 3_500)
    before = await logged(database)
    async with database.transaction() as reading:
        await reading.execute("SELECT FROM user_actions LIMIT 1")
        cut = await an_archive(database, tmp_path).run(now=NOON)
        meanwhile = await whole_log(database, hot_store, tmp_path)
    async with database.connection() as db:
        pending = await db.fetchval("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending")

    finished = await an_archive(database, tmp_path).run(now=NOON)

    assert (gone(cut), cut.waits_for) == ([], "a transaction that has the log in use for long")
    assert pending == "user_actions_from_1"
    assert gone(finished) == [1, 1_001]
    assert meanwhile == before == await whole_log(database, hot_store, tmp_path)


@pytest.mark.parametrize("step", Step)
async def test_a_run_killed_after_any_step_is_finished_by_the_next(
    database: Database, database_url: str, hot_store: RedisHotStore, tmp_path: Path, step: Step
) -> None:
    await append(database, 3_500)
    before = await logged(database)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.infra.log.archiving", database_url, str(tmp_path), step
    )
    assert await killed.wait() == -signal.SIGKILL
    between = await whole_log(database, hot_store, tmp_path)

    archive = an_archive(database, tmp_path)
    while (outcome := await archive.run(now=NOON)).waits_for == "another process, which is archiving":
        continue

    assert gone(outcome) == ([] if step is Step.DROPPED else [1_001])
    assert await tables(database) == ["2001", "3001", "4001", "5001"]
    assert between == before == await whole_log(database, hot_store, tmp_path)


async def test_writers_and_readers_go_on_meanwhile(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    log, done = a_log(database, partition_rows=PARTITION_ROWS), asyncio.Event()
    seen, archived = Collected(), []
    seen.full_at = 6_000
    follower = Follower(seen.subscription, effects.Stores(database, hot_store, {}, LogFiles(tmp_path)), page_rows=300)

    async def write(worker: int) -> None:
        for _ in range(30):
            rows = [a_row(worker * USERS + place) for place in range(1, USERS + 1)]
            await record(log, rows, now=NOON, policy=a_policy())

    async def keep_small() -> None:
        while not done.is_set():
            archived.extend(gone(await an_archive(database, tmp_path).run(now=NOON)))
            await asyncio.sleep(0.02)

    async with database.connection() as db, asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follower._keep_up(asyncio.Event(), db))
        keeping = tasks.create_task(keep_small())
        await asyncio.gather(*(write(worker) for worker in range(5)))
        await seen.full.wait()
        done.set()
        await keeping
        following.cancel()

    assert len(archived) >= 2
    assert len(seen.ids) == len(set(seen.ids)) == 6_000
    assert sorted(seen.ids) == [row.id for row in await whole_log(database, hot_store, tmp_path)]


async def test_a_key_from_a_detached_partition_still_answers_duplicate_with_its_id(
    database: Database, tmp_path: Path
) -> None:
    log, first = a_log(database, partition_rows=PARTITION_ROWS), a_row(7)
    accepted = await record(log, [first], now=NOON, policy=a_policy())
    await append(database, 3_500)
    await an_archive(database, tmp_path).run(now=NOON)

    again = await record(log, [first], now=NOON, policy=a_policy())

    assert (again[0].status, again[0].id) == ("duplicate", accepted[0].id)


async def test_an_export_that_lacks_a_row_is_refused_and_the_table_stays(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    archive = replace(an_archive(database, tmp_path), files=_Forgetful(tmp_path))

    with pytest.raises(Unarchivable, match="ids 1 to 1000 differ"):
        await archive.run(now=NOON)

    assert len(await logged(database)) == 3_500
    async with database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM detached_partitions") == 0


async def test_a_table_is_not_dropped_when_its_file_is_gone(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)

    def lose(step: Step, *_: object) -> None:
        if step is Step.RECORDED:
            (tmp_path / "user_actions_from_1.parquet").unlink()

    with pytest.raises(Unarchivable, match="its file None"):
        await an_archive(database, tmp_path).run(now=NOON, report=lose)

    assert "1" in await tables(database)


async def test_two_runs_at_once_do_not_meet(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)

    both = await asyncio.gather(*(an_archive(database, tmp_path).run(now=NOON) for _ in range(2)))

    assert sorted(len(each.archived) for each in both) == [0, 2]


async def test_positions_of_an_idle_log_are_no_hindrance(
    database: Database, hot_store: RedisHotStore, tmp_path: Path
) -> None:
    await append(database, 3_500)
    await caught_up(Collected(), database, hot_store, LogFiles(tmp_path))

    assert gone(await an_archive(database, tmp_path).run(now=NOON)) == [1, 1_001]
    async with database.connection() as db:
        held = await positions.take(db, "collected")
    assert held.position.delivered != Position().delivered


def test_the_file_has_the_columns_of_the_log() -> None:
    assert tuple(SCHEMA.names) == COLUMNS
    assert all(field.metadata[b"about"] for field in SCHEMA)


async def test_a_page_of_a_file_begins_after_any_id(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    await an_archive(database, tmp_path).run(now=NOON)
    path = tmp_path / "user_actions_from_1001.parquet"

    pages = list(log_rows(path, after_id=1_250, rows_max=300))

    assert [row.id for page in pages for row in page] == list(range(1_251, 2_001))
    assert max(map(len, pages)) <= 300
    assert list(log_rows(path, after_id=2_000, rows_max=300)) == []


class _Forgetful(ParquetFolder):
    """Reads back one id less than was written."""

    def ids_in_draft(self, file: str) -> Iterator[Sequence[int]]:
        for ids in super().ids_in_draft(file):
            yield [*ids[:500], *ids[501:]]


class _Meanwhile(ParquetFolder):
    """Has something else happen just before a file gets its name."""

    def __init__(self, folder: Path, happens: Callable[[], object]) -> None:
        super().__init__(folder)
        self._happens = happens

    def keep(self, file: str) -> None:
        self._happens()
        super().keep(file)


def _during_export(database: Database, folder: Path, happens: Callable[[], object]) -> Archive:
    return replace(an_archive(database, folder), files=_Meanwhile(folder, happens))


class _Beginning(Thread):
    """A reader that begins in a transaction of another process, so to speak."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.has_begun, self.may_commit = url, Event(), Event()

    def begin(self) -> None:
        self.start()
        self.has_begun.wait()

    def begin_and_commit(self) -> None:
        self.begin()
        self.may_commit.set()
        self.join()

    def run(self) -> None:
        asyncio.run(self._ask())

    async def _ask(self) -> None:
        async with Database(self.url, connections_max=1) as database, database.transaction() as db:
            await rebuild.ask(db, "late")
            self.has_begun.set()
            await asyncio.to_thread(self.may_commit.wait)
