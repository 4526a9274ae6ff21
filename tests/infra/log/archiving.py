"""Archiving for tests: small partitions, short waits, and a run that is killed after a chosen step.

`python -m tests.infra.log.archiving DATABASE_URL FOLDER STEP`
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.backends.parquet import ParquetFolder
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.archive import Archive, Step
from casino_club.infra.log.detached import DetachedFiles
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.partitions import Partition
from casino_club.infra.log.retention import Retention
from casino_club.infra.log.rows import SELECTED, LogRow, rows_of
from casino_club.infra.log.subscribe import Kind, Policies, Subscription
from casino_club.infra.ports import HotStore
from tests.builders.actions import NOON, a_log, a_policy, a_row, record

PARTITION_ROWS = 1_000
USERS = 40


async def append(database: Database, count: int, *, at: datetime = NOON) -> list[int]:
    """Rows of forty users in turn; their ids."""
    log = a_log(database, partition_rows=PARTITION_ROWS)
    await log.make_room()
    ids: list[int] = []
    while len(ids) < count:
        rows = [a_row(place % USERS + 1, at=at) for place in range(min(500, count - len(ids)))]
        ids += [outcome.id for outcome in await record(log, rows, now=at, policy=a_policy())]
    return ids


def an_archive(database: Database, folder: Path, *, keep_partitions_max: int = 2) -> Archive:
    return Archive(
        database,
        ParquetFolder(folder),
        Retention(keep_days=400, keep_partitions_max=keep_partitions_max),
        lock_seconds_max=0.3,
        writers_seconds_max=0.2,
    )


class Collected:
    """A consumer in PostgreSQL that remembers what it was given."""

    def __init__(self, name: str = "collected") -> None:
        self.rows: list[LogRow] = []
        self.full, self.full_at = asyncio.Event(), 0
        self.subscription = Subscription(name, Kind.PROJECTION, "Rows seen.", frozenset(), to_database=self._collect)

    @property
    def ids(self) -> list[int]:
        return [row.id for row in self.rows]

    async def _collect(self, _db: Db, rows: Sequence[LogRow], _policies: Policies) -> None:
        self.rows += rows
        if len(self.rows) >= self.full_at:
            self.full.set()


async def caught_up(
    collected: Collected, database: Database, hot: HotStore, files: DetachedFiles, *, page_rows: int = 400
) -> None:
    """Follow the log to its end once, and write the position down."""
    follower = Follower(collected.subscription, Stores(database, hot, {}, files), page_rows=page_rows)
    async with database.connection() as db:
        await follower.deliver_detached(db)
        while True:
            page = await follower.read(db)
            await follower._apply(page.rows, page.after)
            if not page.rows:
                return


async def logged(database: Database) -> list[LogRow]:
    """The log's table, as any reader sees its rows."""
    async with database.connection() as db:
        return await rows_of(db, f"SELECT {SELECTED} FROM user_actions")


async def whole_log(database: Database, hot: HotStore, folder: Path) -> list[LogRow]:
    """All that a new consumer is given."""
    collected = Collected(f"new {os.urandom(4).hex()}")
    await caught_up(collected, database, hot, LogFiles(folder))
    return collected.rows


async def _run_until(url: str, folder: Path, last: Step) -> None:
    def report(step: Step, partition: Partition, _rows: int) -> None:
        if step is last and partition.first_id > 1:
            os.kill(os.getpid(), signal.SIGKILL)

    async with Database(url, connections_max=4) as database:
        await an_archive(database, folder).run(now=NOON, report=report)


if __name__ == "__main__":
    asyncio.run(_run_until(sys.argv[1], Path(sys.argv[2]), Step(sys.argv[3])))
