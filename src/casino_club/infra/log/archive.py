"""Moves partitions of the log into files: export, record, detach, drop. A run cut anywhere is picked up by the next.

The record is the turning point: before it the table holds the rows, after it the file does.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from struct import pack
from typing import Protocol

import asyncpg

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.detached import Detached, detached_after
from casino_club.infra.log.partitions import Partition
from casino_club.infra.log.retention import Retention, due_partitions, needed_by, writers_are_done

ARCHIVE_LOCK = 7_215_503
CHUNK_ROWS = 20_000
LOCK_SECONDS_MAX = 10.0
WRITERS_SECONDS_MAX = 10.0

COLUMNS = (
    *("id", "xact", "appended_at", "user_id", "scope", "client_action_id", "action_type", "value", "metadata"),
    *("action_timestamp", "round_id", "is_play", "by_user", "streak", "day_plays", "last_play_at", "last_action_at"),
)
"""What a file holds of a row: all of it."""
SELECTED = ", ".join({"xact": "xact::text::bigint", "metadata": "metadata::text"}.get(name, name) for name in COLUMNS)

_SAME_IDS = """SELECT count(*), sha256(coalesce(string_agg(int8send(id), ''::bytea ORDER BY id), ''::bytea))
               FROM {} WHERE id > $1 AND id <= $2"""


class Draft(Protocol):
    """A file that is being written."""

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        """Append rows; their values are in the order of COLUMNS."""
        ...


class PartitionFiles(Protocol):
    """A folder of exported partitions."""

    def draft(self, file: str) -> AbstractContextManager[Draft]:
        """A new file under a temporary name. It is whole and on the disk after the block, gone if that raises."""
        ...

    def ids_in_draft(self, file: str) -> Iterator[Sequence[int]]:
        """The ids in the draft, part by part, while all of it is read back and checked."""
        ...

    def keep(self, file: str) -> None:
        """Give the draft its name, durably."""
        ...

    def row_count(self, file: str) -> int | None:
        """How many rows the file holds, by its own account; None if there is no such file."""
        ...


class Unarchivable(Exception):
    """What was exported and what the table holds are not the same. Nothing is dropped."""


class Step(StrEnum):
    """What has just been done with a partition."""

    EXPORTING = "exporting"
    EXPORTED = "exported"
    RECORDED = "recorded"
    DETACHED = "detached"
    DROPPED = "dropped"


Report = Callable[[Step, Partition, int], None]
"""Told of each step, with the rows exported so far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has archived, and what keeps it from archiving more that is due."""

    archived: tuple[Detached, ...]
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Archive:
    """Keeps the log's table as small as retention says."""

    database: Database
    files: PartitionFiles
    retention: Retention
    lock_seconds_max: float = LOCK_SECONDS_MAX
    writers_seconds_max: float = WRITERS_SECONDS_MAX

    @property
    def _lock_ms(self) -> int:
        return round(self.lock_seconds_max * 1_000)

    async def plan(self, *, now: datetime) -> Outcome:
        """What a run would archive, as far as can be told without writing."""
        async with self.database.connection() as db:
            would = await _unfinished(db)
            for partition in await due_partitions(db, self.retention, now=now):
                if partition.name in {each.name for each in would}:
                    continue
                if needing := await needed_by(db, partition):
                    return Outcome(tuple(would), _unread(partition, needing))
                rows = await db.fetchval(f"SELECT count(*) FROM {partition.name}")  # noqa: S608 - a name of ours
                would.append(_as_detached(partition, rows))
        return Outcome(tuple(would))

    async def run(self, *, now: datetime, report: Report = lambda *_: None) -> Outcome:
        """Finish what an earlier run began, then archive what is due, oldest first, until something stands in the way.

        One session does all, so that nobody else begins before the server is done with what we asked of it.
        """
        async with self.database.connection() as db:
            if not await db.fetchval("SELECT pg_try_advisory_lock($1)", ARCHIVE_LOCK):
                return Outcome((), "another process, which is archiving")
            try:
                await db.execute(f"SET transaction_timeout = 0; SET lock_timeout = {self._lock_ms}")
                return await self._run(db, now, report)
            finally:
                if not db.is_closed():
                    await db.execute("RESET transaction_timeout; RESET lock_timeout; SELECT pg_advisory_unlock_all()")

    async def _run(self, db: Db, now: datetime, report: Report) -> Outcome:
        archived: list[Detached] = []
        try:
            for recorded in await _unfinished(db):
                await self._finish(db, recorded, report)
                archived.append(recorded)
            due = await due_partitions(db, self.retention, now=now)
            if due and not await writers_are_done(db, seconds_max=self.writers_seconds_max):
                return Outcome(tuple(archived), "a transaction that has been open for long")
            for partition in due:
                if needing := await needed_by(db, partition):
                    return Outcome(tuple(archived), _unread(partition, needing))
                exported = await self._export(db, partition, report)
                if needing := await self._record(partition, exported):
                    return Outcome(tuple(archived), _unread(partition, needing))
                report(Step.RECORDED, partition, exported.row_count)
                await self._finish(db, exported, report)
                archived.append(exported)
        except asyncpg.LockNotAvailableError:
            return Outcome(tuple(archived), "a transaction that has the log in use for long")
        return Outcome(tuple(archived))

    async def _export(self, db: Db, partition: Partition, report: Report) -> Detached:
        file = _file_of(partition)
        count, after_id = 0, partition.first_id - 1
        with self.files.draft(file) as draft:
            while rows := await _rows_after(db, partition, after_id):
                draft.add(rows)
                count, after_id = count + len(rows), rows[-1]["id"]
                report(Step.EXPORTING, partition, count)
        await self._verify(db, partition, file, count)
        self.files.keep(file)
        report(Step.EXPORTED, partition, count)
        return _as_detached(partition, count)

    async def _verify(self, db: Db, partition: Partition, file: str, count: int) -> None:
        """Read the file back: in each of its parts, and behind the last, it must hold just the ids of the table."""
        found, after_id = 0, partition.first_id - 1
        for ids in self.files.ids_in_draft(file):
            digest = hashlib.sha256(pack(f">{len(ids)}q", *ids)).digest()
            there = await db.fetchrow(_SAME_IDS.format(partition.name), after_id, ids[-1])
            if there is None or tuple(there) != (len(ids), digest):
                raise Unarchivable(f"{file}: ids {after_id + 1} to {ids[-1]} differ from those of {partition.name}")
            found, after_id = found + len(ids), ids[-1]
        left = await _rows_after(db, partition, after_id)
        if left or found != count:
            raise Unarchivable(f"{file} holds {found} rows, {count} were written, and {len(left)} follow its last one")

    async def _record(self, partition: Partition, exported: Detached) -> str | None:
        """Let the file stand for the partition, unless a reader needs the table: who. New readers wait meanwhile."""
        async with self.database.transaction(f"SET LOCAL lock_timeout = {self._lock_ms}") as db:
            await db.execute("LOCK TABLE log_positions IN SHARE MODE")
            if needing := await needed_by(db, partition):
                return needing
            await db.execute(
                """INSERT INTO detached_partitions (name, first_id, last_id, row_count, file, detached_at)
                   VALUES ($1, $2, $3, $4, $5, now())""",
                *astuple(exported),
            )
        return None

    async def _finish(self, db: Db, recorded: Detached, report: Report) -> None:
        """Detach and drop the table of a recorded partition, from wherever an earlier run was cut."""
        partition = Partition(recorded.name, recorded.first_id, recorded.last_id + 1)
        attached = await db.fetchval(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass($1)", recorded.name
        )
        if attached is not None:
            how = "FINALIZE" if attached else "CONCURRENTLY"
            await db.execute(f"ALTER TABLE user_actions DETACH PARTITION {recorded.name} {how}")
        report(Step.DETACHED, partition, recorded.row_count)

        in_table = await db.fetchval(f"SELECT count(*) FROM {recorded.name}")  # noqa: S608 - a name of ours
        in_file = self.files.row_count(recorded.file)
        if not in_table == in_file == recorded.row_count:
            raise Unarchivable(
                f"{recorded.name} has {in_table} rows, its file {in_file}, and {recorded.row_count} were recorded"
            )
        await db.execute(f"DROP TABLE {recorded.name}")
        report(Step.DROPPED, partition, recorded.row_count)


def _file_of(partition: Partition) -> str:
    return f"{partition.name}.parquet"


def _as_detached(partition: Partition, row_count: int) -> Detached:
    return Detached(partition.name, partition.first_id, partition.end_id - 1, row_count, _file_of(partition))


def _unread(partition: Partition, needing: str) -> str:
    return f"{needing}, which has yet to read {partition.name}"


async def _rows_after(db: Db, partition: Partition, after_id: int) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await db.fetch(
        f"SELECT {SELECTED} FROM {partition.name} WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608 - constant columns, a name of ours
        after_id,
        CHUNK_ROWS,
    )
    return rows


async def _unfinished(db: Db) -> list[Detached]:
    """Recorded partitions whose table is still there."""
    tables = await db.fetch("SELECT name FROM detached_partitions WHERE to_regclass(name) IS NOT NULL")
    left = {row[0] for row in tables}
    return [each for each in await detached_after(db) if each.name in left]
