"""`archive`: what would go, what went, and a replay that reads it all the same."""

import logging
import sys
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from casino_club.infra.jobs.upkeep import archive_partitions
from casino_club.infra.log import rebuild
from tests.builders.jobs import a_work
from tests.entry.cli.calling import Club
from tests.infra.log.archiving import append, logged

FIRST = {"name": "user_actions_from_1", "first_id": 1, "last_id": 1_000, "row_count": 1_000}


def small(club: Club) -> Club:
    return club.with_settings(log_keep_partitions_max="3")


async def test_a_dry_run_names_what_a_run_then_archives(club: Club, database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)

    planned = await small(club).call("archive", "--dry-run", "--json")
    left = len(await logged(database))
    done = await small(club).call("archive", "--json")
    again = await small(club).call("archive")

    assert planned.json == done.json == {"archived": [{**FIRST, "file": f"{FIRST['name']}.parquet"}], "waits_for": None}
    assert left == 3_500
    assert (tmp_path / "archive" / "log" / "user_actions_from_1.parquet").exists()
    assert again.stdout == "Nothing has to be archived.\n"


async def test_people_are_told_what_went_and_what_keeps_the_rest(club: Club, database: Database) -> None:
    await append(database, 3_500)
    free = await small(club).call("archive", "--dry-run")
    async with database.transaction() as db:
        await rebuild.ask(db, "late")

    held = await small(club).call("archive")

    assert "1 partition would be archived." in free.stdout
    assert held.stdout.splitlines()[-1] == (
        "More is due and waits for the rebuild of late, which has yet to read user_actions_from_1."
    )


async def test_a_replay_reads_files_and_without_them_says_where_to_begin(
    club: Club, database: Database, tmp_path: Path
) -> None:
    await append(database, 3_500)
    await small(club).call("archive")

    whole = await club.call("replay", "hot", "--json")
    (tmp_path / "archive" / "log" / "user_actions_from_1.parquet").unlink()
    refused = await club.call("replay", "hot")
    rest = await club.call("replay", "hot", "--from-id", "1001", "--json")

    assert (whole.code, whole.json["rows"]) == (0, 3_500)
    assert (refused.code, len(refused.stderr.splitlines())) == (1, 1)
    assert "--from-id 1001" in refused.stderr
    assert (rest.code, rest.json["rows"]) == (0, 2_500)


async def test_a_folder_that_cannot_be_written_is_one_line(club: Club, database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    (tmp_path / "file").touch()

    done = await small(club).with_settings(log_archive_dir=str(tmp_path / "file")).call("archive")

    assert (done.code, len(done.stderr.splitlines())) == (1, 1)
    assert "CASINO_CLUB_LOG_ARCHIVE_DIR" in done.stderr


async def test_the_job_runs_the_command(
    club: Club, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await append(database, 3_500)
    for name, text in small(club).variables.items():
        monkeypatch.setenv(name, text)

    with caplog.at_level(logging.INFO):
        program = (sys.executable, "-m", "casino_club.entry.cli")
        await archive_partitions.run(a_work(database, program=program))

    (said,) = [record for record in caplog.records if record.message == "archived"]
    assert (said.__dict__["partitions"], said.__dict__["rows"]) == (1, 1_000)
