"""Infra's own jobs: room ahead of the log, and archiving in a process of its own."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from casino_club.infra.jobs.job import Work
from casino_club.infra.jobs.upkeep import CommandFailed, archive_partitions, make_room
from casino_club.infra.log.partitions import partitions_of
from tests.builders.actions import NOON, a_log
from tests.infra.waiting import runs, until

DONE = """
import sys
print('{"archived": [{"name": "p", "first_id": 1, "last_id": 9, "row_count": 9, "file": "p.parquet"}]}')
assert sys.argv[1:] == ["archive", "--json"]
"""


def work(database: Database, program: Sequence[str] = ()) -> Work:
    return Work(database, a_log(database, partition_rows=1_000), {}, NOON, program)


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

    assert not runs(int(note.read_text()))
