"""`status`: what runs, how far readers are, what is wrong; exit code 1 for scripts when anything is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest

from casino_club.entry.standing import holder_sentence
from casino_club.infra.db.database import Database
from casino_club.infra.log import parked, positions, rebuild
from casino_club.infra.log.lag import Holder
from casino_club.infra.processes import ProcessState, State, only_supervisor, save_processes
from tests.builders.actions import a_log
from tests.entry.cli.calling import Club
from tests.infra.supervised import make_folders


@pytest.fixture
async def healthy(club: Club, database: Database) -> Club:
    """Servers that answer, room in the log, a reader that has just moved."""
    await a_log(database).make_room()
    async with database.transaction() as db:
        await positions.take(db, "hot")
    return club


def a_process(name: str, *, state: State = "ready", pid: int | None = None) -> ProcessState:
    return ProcessState(name, state, pid or os.getpid(), 2, datetime.now(UTC) - timedelta(minutes=3))


async def test_a_healthy_platform_is_told_and_ends_with_0(healthy: Club) -> None:
    plain, as_json = await healthy.call("status"), await healthy.call("status", "--json")

    assert plain.code == as_json.code == 0, plain.stdout
    assert "All is well" in plain.stdout
    seen = as_json.json
    assert seen["ok"] is True
    assert seen["problems"] == []
    assert seen["postgresql"]["answer_seconds"] > 0
    assert seen["redis"]["answer_seconds"] > 0
    [reader] = seen["log"]["readers"]
    assert (reader["consumer"], reader["rows"], reader["seconds"]) == ("hot", 0, 0)
    assert seen["log"]["ids_ahead"] > 0


async def test_processes_are_shown_with_their_memory(healthy: Club, tmp_path: Path) -> None:
    make_folders(tmp_path)
    with only_supervisor(tmp_path):
        save_processes(tmp_path, [a_process("api"), a_process("consumer", state="restarting")])

        done = await healthy.call("status", "--json")
        plain = await healthy.call("status")

    api, consumer = done.json["processes"]
    assert (api["name"], api["pid"], api["restarts"]) == ("api", os.getpid(), 2)
    assert 170 < api["uptime_seconds"] < 240
    assert api["memory_bytes"] > 1_000_000
    assert consumer["state"] == "restarting"
    assert done.code == plain.code == 1
    assert "consumer is restarting" in plain.stdout


async def test_what_dies_over_and_over_is_a_problem_while_it_lives_as_well(healthy: Club, tmp_path: Path) -> None:
    make_folders(tmp_path)
    recently = datetime.now(UTC) - timedelta(seconds=5)
    dying = ProcessState("consumer", "ready", os.getpid(), 7, recently, short_lives=3)
    with only_supervisor(tmp_path):
        save_processes(tmp_path, [dying, ProcessState("api", "ready", os.getpid(), 1, recently, short_lives=1)])
        done = await healthy.call("status")
        save_processes(tmp_path, [msgspec.structs.replace(dying, since=recently - timedelta(minutes=1))])
        later = await healthy.call("status")

    assert "consumer has ended 3 times in a row soon after its start; see" in done.stdout
    assert "api has" not in done.stdout
    assert (done.code, later.code) == (1, 0)


async def test_where_nothing_runs_it_says_how_to_start(club: Club, tmp_path: Path) -> None:
    nowhere = club.with_settings(mode="embedded", data_dir=str(tmp_path / "none"))

    plain, as_json = await nowhere.call("status"), await nowhere.call("status", "--json")

    assert plain.code == as_json.code == 1
    assert plain.stdout.startswith("Nothing runs here; `casino-club up` starts everything.")
    assert as_json.json["running"] is False


async def test_parked_rows_and_a_reader_that_stands_still_are_problems(healthy: Club, database: Database) -> None:
    async with database.transaction() as db:
        await parked.park(db, "hot", 3, reason="ValueError()", attempts=3)
        await db.execute("UPDATE log_positions SET moved_at = now() - interval '5 minutes'")

    done = await healthy.call("status", "--json")

    assert done.code == 1
    silent, row = done.json["problems"]
    assert "Nobody has followed the log for hot" in silent
    assert row.startswith("1 row is parked for hot")
    assert "parked retry" in row
    assert done.json["log"]["parked_rows"] == {"hot": 1}


async def test_a_log_without_room_is_a_problem(club: Club) -> None:
    done = await club.call("status", "--json")

    assert done.code == 1
    assert done.json["problems"] == ["The log has no partition ahead; run `casino-club migrate`."]


async def test_a_rebuild_is_shown_and_is_no_problem(healthy: Club, database: Database) -> None:
    async with database.transaction() as db:
        await rebuild.ask(db, "hot")

    plain, as_json = await healthy.call("status"), await healthy.call("status", "--json")

    assert as_json.code == 0
    assert list(as_json.json["log"]["rebuilds"]) == ["hot"]
    assert "hot, rebuilding" in plain.stdout


async def test_a_database_without_a_schema_is_told_to_migrate(
    club: Club, servers: tuple[str, str], database_url: str
) -> None:
    async with empty_database(database_url) as url:
        done = await club.with_settings(database_url=url).call("status", "--json")

    assert done.code == 1
    assert done.json["problems"] == ["The database lacks this version's schema; run `casino-club migrate`."]


async def test_a_redis_that_is_away_is_a_problem_and_the_rest_is_shown(healthy: Club) -> None:
    done = await healthy.with_settings(redis_url="redis://:hidden-word@127.0.0.1:1/0").call("status", "--json")

    assert done.code == 1
    assert len(done.json["problems"]) == 1
    assert done.json["redis"]["answers"] is False
    assert done.json["postgresql"]["answers"] is True
    assert "hidden-word" not in done.stdout


async def test_the_transaction_that_holds_readers_back_is_named(healthy: Club, database_url: str) -> None:
    sentence = holder_sentence(Holder(pid=4711, application="loader", seconds=61.2, state="idle in transaction"))

    assert "loader (process 4711, idle in transaction)" in sentence
    assert "61 s" in sentence
    assert "pg_terminate_backend(4711)" in sentence


@pytest.mark.timeout(30)
async def test_a_forgotten_transaction_turns_up_in_the_status(healthy: Club, database_url: str) -> None:
    forgetful = await asyncpg.connect(database_url, server_settings={"application_name": "forgetful"})
    await forgetful.execute("BEGIN; SELECT pg_current_xact_id()")

    async with asyncio.timeout(20):
        while (done := await healthy.call("status", "--json")).json["log"]["oldest_transaction"] is None:
            assert done.code == 0
    await forgetful.close()

    assert done.code == 1
    assert "A transaction of forgetful" in done.json["problems"][0]


def test_a_process_of_its_own_ends_with_1_and_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "casino_club.entry.cli", "status"],
        env={"PATH": os.environ["PATH"], "CASINO_CLUB_DATA_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "casino-club up" in done.stdout


@asynccontextmanager
async def empty_database(beside: str) -> AsyncIterator[str]:
    """A database that was never migrated."""
    connection = await asyncpg.connect(beside)
    await connection.execute("CREATE DATABASE nothing_here TEMPLATE template0")
    try:
        name = beside.split("@", 1)[1].split("?", 1)[0].lstrip("/")
        yield beside.replace(f"/{name}?", "/nothing_here?")
    finally:
        await connection.execute("DROP DATABASE nothing_here WITH (FORCE)")
        await connection.close()
