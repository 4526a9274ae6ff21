"""Infra's own jobs: room ahead of the log, archiving in a process of its own, parked rows, and runs long past."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.job import Work
from casino_club.infra.jobs.upkeep import CommandFailed, archive_partitions, forget_runs, make_room, retry_parked
from casino_club.infra.log import parked
from casino_club.infra.log.partitions import partitions_of
from tests.builders.actions import NOON, a_log
from tests.builders.jobs import a_work
from tests.builders.logs import Effects, database_reaction, with_rows
from tests.infra.waiting import runs as is_running
from tests.infra.waiting import until

DONE = """
import sys
print('{"archived": [{"name": "p", "first_id": 1, "last_id": 9, "row_count": 9, "file": "p.parquet"}]}')
assert sys.argv[1:] == ["archive", "--json"]
"""


def work(database: Database, program: Sequence[str] = ()) -> Work:
    return a_work(database, log=a_log(database, partition_rows=1_000), program=program)


async def test_room_is_made_ahead_of_the_log(database: Database) -> None:
    await make_room.run(work(database))

    async with database.connection() as db:
        assert [partition.first_id for partition in await partitions_of(db)] == [1, 1_001, 2_001]


async def test_what_the_command_did_is_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        await archive_partitions.run(work(database, (sys.executable, "-c", DONE)))

    (said,) = [record for record in caplog.records if record.message == "archived"]
    assert (said.__dict__["partitions"], said.__dict__["rows"], said.__dict__["waits_for"]) == (1, 9, None)


async def test_a_command_that_fails_fails_the_job(database: Database) -> None:
    with pytest.raises(CommandFailed, match="archive ended with status 3"):
        await archive_partitions.run(work(database, (sys.executable, "-c", "import sys; sys.exit(3)")))


async def test_a_command_ends_with_the_job(database: Database, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    sleeping = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    running = asyncio.ensure_future(archive_partitions.run(work(database, (sys.executable, "-c", sleeping))))
    await until(lambda: note.exists() and note.read_text())

    running.cancel()
    await asyncio.wait([running])

    assert not is_running(int(note.read_text()))


async def parked_ids(database: Database) -> list[int]:
    async with database.connection() as db:
        return [row.action_id for row in await parked.parked_rows(db)]


async def test_a_parked_row_is_tried_again_after_a_pause_that_doubles(database: Database) -> None:
    effects = Effects()
    (row_id,) = await with_rows(database, [7])
    async with database.transaction() as db:
        await parked.park(db, "count", row_id, reason="ValueError()", attempts=3)
    offered = a_work(database, subscriptions=[database_reaction(effects)], now=datetime.now(UTC))

    effects.failing = {7}
    await retry_parked.run(replace(offered, now=offered.now + timedelta(minutes=7)))
    assert effects.applied == []
    await retry_parked.run(replace(offered, now=offered.now + timedelta(minutes=9)))
    effects.failing = set()
    await retry_parked.run(replace(offered, now=offered.now + timedelta(minutes=9)))
    assert (effects.applied, await parked_ids(database)) == ([], [row_id])

    await retry_parked.run(replace(offered, now=offered.now + timedelta(minutes=17)))

    assert (effects.applied, await parked_ids(database)) == ([row_id], [])


async def test_runs_are_forgotten_after_a_month(database: Database) -> None:
    async with database.transaction() as db:
        for days in (29, 31):
            run = await runs.add(db, f"job {days}", NOON)
            assert run is not None
            await db.execute("UPDATE job_runs SET finished_at = $1 WHERE id = $2", NOON - timedelta(days=days), run.id)

    await forget_runs.run(a_work(database))

    async with database.connection() as db:
        assert [len(await runs.runs_of(db, f"job {days}")) for days in (29, 31)] == [1, 0]
