"""Writes the log into files, one for each of the operator's days, from the table and from files of partitions.

A row belongs to the day on which it was stored, so that a day that is over never changes: late actions come with the
day of their arrival. Rows are ordered by id.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import asyncpg

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.archive import ARCHIVE_LOCK, CHUNK_ROWS, SELECTED
from casino_club.infra.log.detached import Detached, detached_after
from casino_club.infra.log.partitions import Partition, partitions_of
from casino_club.infra.log.retention import writers_are_done
from casino_club.kernel.clock import Calendar, from_us
from casino_club.kernel.errors import Kind, Refused, Unavailable

WRITERS_SECONDS_MAX = 10.0
DAYS_MAX = 3_660


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows stored from `start` on and before `end`, of these users or of all."""

    start: datetime
    end: datetime
    users: Sequence[int] | None


class DayDraft(Protocol):
    """One day's file while it is written."""

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        """Append rows; their values are in the order of COLUMNS."""
        ...

    def add_archived(self, archived: str, chosen: Chosen) -> Iterator[int]:
        """Append what is chosen of a detached partition's file; how many rows with each step."""
        ...


class ExportFiles(Protocol):
    """The folder of an export, and that of detached partitions."""

    def has(self, file: str) -> bool:
        """Whether the export holds this file."""
        ...

    def draft(self, file: str) -> AbstractContextManager[DayDraft]:
        """A new file under a temporary name. It is whole and on the disk after the block, gone if that raises."""
        ...

    def keep(self, file: str) -> str:
        """Give the draft its name, durably; the digest of its content."""
        ...

    def count(self, archived: str, chosen: Chosen) -> int:
        """How many rows of a detached partition's file are chosen. Raises FilesUnreadable."""
        ...


class DayNotOver(Refused):
    """Only days that are over can be exported: others would change."""

    code = "export_day_not_over"
    kind = Kind.INVALID


class ExportExists(Refused):
    """The export would replace files."""

    code = "export_exists"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class ExportedDay:
    """One day's file. A day without rows has none."""

    day: date
    file: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Part:
    """Where some rows of a day are: in a table, or in a file."""

    table: Partition | None
    archived: Detached | None
    rows: int


Report = Callable[[date, int, int], None]
"""Told of the day that is being written, the rows written so far, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Export:
    """Exports days of the log."""

    database: Database
    files: ExportFiles
    calendar: Calendar

    async def run(
        self,
        first: date,
        last: date,
        *,
        users: Sequence[int] | None,
        now: datetime,
        may_replace: bool,
        report: Report = lambda *_: None,
    ) -> list[ExportedDay]:
        """Write each day's file. No partition is archived meanwhile."""
        self._check_days(first, last, now)
        async with self.database.connection() as db:
            if not await db.fetchval("SELECT pg_try_advisory_lock_shared($1)", ARCHIVE_LOCK):
                raise Unavailable("Partitions are being archived; export when that has ended.")
            try:
                if not await writers_are_done(db, seconds_max=WRITERS_SECONDS_MAX):
                    raise Unavailable("A transaction that has been open for long may still write; try again later.")
                return await self._run(db, _days(first, last), users, may_replace=may_replace, report=report)
            finally:
                if not db.is_closed():
                    await db.execute("SELECT pg_advisory_unlock_all()")

    def _check_days(self, first: date, last: date, now: datetime) -> None:
        today = self.calendar.day_of(now)
        if last >= today:
            raise DayNotOver(f"{last} is not over; the last day that can be exported is {today - timedelta(days=1)}.")
        if not 0 <= (last - first).days < DAYS_MAX:
            raise DayNotOver(f"From {first} to {last} is no span of 1 to {DAYS_MAX:,} days.")

    async def _run(
        self, db: Db, days: Sequence[date], users: Sequence[int] | None, *, may_replace: bool, report: Report
    ) -> list[ExportedDay]:
        plan = await self._plan(db, days, users)
        there = [file_of(day) for day in plan if self.files.has(file_of(day))]
        if there and not may_replace:
            raise ExportExists(f"{there[0]} and {len(there) - 1} more are there already; --overwrite replaces them.")
        exported: list[ExportedDay] = []
        total, done = sum(part.rows for parts in plan.values() for part in parts), 0
        for day, parts in plan.items():
            with self.files.draft(file_of(day)) as draft:
                began = done
                for part in parts:
                    async for rows in _added(db, draft, part, self._chosen(day, users)):
                        done += rows
                        report(day, done, total)
            digest = self.files.keep(file_of(day))
            exported.append(ExportedDay(day, file_of(day), done - began, digest))
        return exported

    async def _plan(self, db: Db, days: Sequence[date], users: Sequence[int] | None) -> dict[date, list[_Part]]:
        """Where each day's rows are, in the order of ids; days that have none are left out."""
        plan: dict[date, list[_Part]] = {}
        archived = await detached_after(db)
        for each in archived:
            for day in days:
                if rows := self.files.count(each.file, self._chosen(day, users)):
                    plan.setdefault(day, []).append(_Part(None, each, rows))
        bounds = [self._chosen(day, users).start for day in days] + [self._chosen(days[-1], users).end]
        for partition in await partitions_of(db):
            if partition.name not in {each.name for each in archived}:
                for number, part in await _counted(db, partition, bounds, users):
                    plan.setdefault(days[number], []).append(part)
        return dict(sorted(plan.items()))

    def _chosen(self, day: date, users: Sequence[int] | None) -> Chosen:
        start_us, end_us = self.calendar.bounds_of_us(day)
        return Chosen(from_us(start_us), from_us(end_us), users)


def file_of(day: date) -> str:
    """What a day's file is called."""
    return f"actions-{day}.parquet"


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


async def _counted(
    db: Db, partition: Partition, bounds: Sequence[datetime], users: Sequence[int] | None
) -> list[tuple[int, _Part]]:
    """How many rows of each day a partition holds, and between which ids they lie: one look at all of it."""
    rows = await db.fetch(
        f"""SELECT width_bucket(appended_at, $1::timestamptz[]), min(id), max(id), count(*) FROM {partition.name}
            WHERE appended_at >= $2 AND appended_at < $3 AND ($4::bigint[] IS NULL OR user_id = ANY($4))
            GROUP BY 1""",  # noqa: S608 - a name of ours
        bounds,
        bounds[0],
        bounds[-1],
        users,
    )
    return [(row[0] - 1, _Part(Partition(partition.name, row[1], row[2] + 1), None, row[3])) for row in rows]


async def _added(db: Db, draft: DayDraft, part: _Part, chosen: Chosen) -> AsyncIterator[int]:
    """Add a part's rows in bounded steps; how many with each."""
    if part.archived is not None:
        for count in draft.add_archived(part.archived.file, chosen):
            yield count
    if part.table is not None:
        after_id = part.table.first_id - 1
        while rows := await _rows_after(db, part.table, after_id, chosen):
            draft.add(rows)
            after_id = rows[-1]["id"]
            yield len(rows)


async def _rows_after(db: Db, partition: Partition, after_id: int, chosen: Chosen) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await db.fetch(
        f"""SELECT {SELECTED} FROM {partition.name}
            WHERE id > $1 AND id < $2 AND appended_at >= $3 AND appended_at < $4
              AND ($5::bigint[] IS NULL OR user_id = ANY($5))
            ORDER BY id LIMIT $6""",  # noqa: S608 - constant columns, a name of ours
        after_id,
        partition.end_id,
        chosen.start,
        chosen.end,
        chosen.users,
        CHUNK_ROWS,
    )
    return rows
