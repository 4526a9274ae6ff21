"""`export`: the same days give the same files, wherever the rows are by now, and `import` reads them again."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casino_club.features.actions.commands.events import append
from casino_club.features.actions.rules.admission import ReadyRow
from casino_club.features.identity.events import UserBanned
from casino_club.infra.db.database import Database
from casino_club.infra.log.archive import ARCHIVE_LOCK
from tests.builders.actions import a_log, a_policy, a_row, a_view, record
from tests.entry.cli.calling import Club

SEOUL = ZoneInfo("Asia/Seoul")
TODAY = datetime.now(UTC).astimezone(SEOUL).date()
DAYS = [TODAY - timedelta(days=number) for number in (4, 3, 2)]
SPAN = ("--from", str(DAYS[0]), "--to", str(DAYS[-1]))
KEPT = """user_id, scope, client_action_id, action_type, value, metadata::text, action_timestamp, round_id, is_play,
          by_user, streak, day_plays, last_play_at, last_action_at"""


def at(day: date, hours: float) -> datetime:
    """An instant of a day of the operator's."""
    return datetime.combine(day, time(), SEOUL).astimezone(UTC) + timedelta(hours=hours)


async def stored(database: Database, rows: Sequence[ReadyRow], now: datetime) -> None:
    await record(a_log(database, partition_rows=10), rows, now=now, policy=a_policy())


async def three_days(database: Database) -> None:
    """Plays around midnights, late ones, some without an id, and something that only the platform appends."""
    for number, day in enumerate(DAYS):
        for hour in (0.0, 0.3, 12.0, 23.9999):
            now = at(day, hour)
            late = a_row(1, at=now - timedelta(days=1), value=number)
            await stored(database, [a_row(2, at=now), late, a_view(3, at=now, client_action_id=None)], now)
        async with database.transaction() as db:
            await append(db, UserBanned(2, number), at=at(day, 23.99995), policy=a_policy())


def found_by_duckdb(folder: Path) -> list[list[Any]]:
    """Each id with the day of its file, read in a process of its own: it leaves with many words."""
    read = f"""import duckdb, json
query = "SELECT id, filename[-18:-9] FROM read_parquet('{folder}/*.parquet', filename = true) ORDER BY id"
print(json.dumps(duckdb.sql(query).fetchall()))"""
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, check=True, timeout=60)
    found: list[list[Any]] = json.loads(done.stdout)
    return found


async def all_rows(database: Database) -> list[tuple[Any, ...]]:
    async with database.connection() as db:
        return [tuple(row) for row in await db.fetch(f"SELECT {KEPT} FROM user_actions ORDER BY id")]


async def test_each_day_is_a_file_and_another_reader_finds_what_was_stored(
    club: Club, database: Database, tmp_path: Path
) -> None:
    await three_days(database)

    done = await club.call("export", *SPAN, "--out", str(tmp_path / "out"), "--json")

    files = [each["file"] for each in done.json["days"]]
    async with database.connection() as db:
        days = await db.fetch(
            "SELECT id, (appended_at AT TIME ZONE 'Asia/Seoul')::date::text FROM user_actions ORDER BY id"
        )
    assert files == [f"actions-{day}.parquet" for day in DAYS]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert [each["rows"] for each in done.json["days"]] == [13, 13, 13]
    assert found_by_duckdb(tmp_path / "out") == [list(row) for row in days]


async def test_an_export_imported_into_an_empty_installation_gives_the_same_rows(
    club: Club, database: Database, tmp_path: Path
) -> None:
    await three_days(database)
    before = await all_rows(database)
    exported = await club.call("export", *SPAN, "--out", str(tmp_path / "out"), "--json")
    files = [str(tmp_path / "out" / each["file"]) for each in exported.json["days"]]
    async with database.transaction() as db:
        await db.execute("TRUNCATE user_actions, action_keys, action_user")

    done = await club.call("import", *files, "--json")
    again = await club.call("import", *files, "--again", "--json")

    assert (done.code, sum(each["accepted"] for each in done.json)) == (0, len(before))
    assert sum(each["duplicate"] for each in again.json) == len(before)
    assert await all_rows(database) == before


async def test_rows_that_were_archived_meanwhile_give_the_same_file(
    club: Club, database: Database, tmp_path: Path
) -> None:
    await three_days(database)
    small = club.with_settings(log_keep_partitions_max="2")

    first = await small.call("export", *SPAN, "--out", str(tmp_path / "one"), "--json")
    archived = await small.call("archive", "--json")
    second = await small.call("export", *SPAN, "--out", str(tmp_path / "two"), "--json")

    assert archived.json["archived"]
    assert first.json["days"] == second.json["days"]


async def test_some_users_are_exported_alone(club: Club, database: Database, tmp_path: Path) -> None:
    await three_days(database)
    small = club.with_settings(log_keep_partitions_max="2")
    await small.call("archive")

    done = await small.call("export", *SPAN, "--users", "3,99", "--out", str(tmp_path / "out"), "--json")

    assert [each["rows"] for each in done.json["days"]] == [4, 4, 4]


async def test_files_are_replaced_only_when_asked(club: Club, database: Database, tmp_path: Path) -> None:
    await three_days(database)
    out = ("--out", str(tmp_path / "out"))
    await club.call("export", *SPAN, *out)
    kept = (tmp_path / "out" / f"actions-{DAYS[0]}.parquet").stat()

    refused = await club.call("export", *SPAN, *out)
    replaced = await club.call("export", *SPAN, *out, "--overwrite")

    assert (refused.code, len(refused.stderr.splitlines())) == (1, 1)
    assert "are there already; --overwrite replaces them." in refused.stderr
    assert replaced.code == 0
    assert (tmp_path / "out" / f"actions-{DAYS[0]}.parquet").stat().st_ino != kept.st_ino


@pytest.mark.parametrize(
    ("span", "code", "sentence"),
    [
        ((str(DAYS[0]), str(TODAY)), 1, f"{TODAY} is not over; the last day that can be exported is"),
        ((str(DAYS[1]), str(DAYS[0])), 1, "is no span of 1 to"),
        (("yesterday", str(DAYS[0])), 2, "--from yesterday: write a day as"),
    ],
)
async def test_days_that_cannot_be_exported_are_one_line(
    club: Club, span: tuple[str, str], code: int, sentence: str
) -> None:
    done = await club.call("export", "--from", span[0], "--to", span[1])

    assert (done.code, len(done.stderr.splitlines())) == (code, 1)
    assert sentence in done.stderr


async def test_days_without_rows_have_no_file(club: Club, tmp_path: Path) -> None:
    done = await club.call("export", *SPAN, "--out", str(tmp_path / "out"))

    assert (done.code, done.stdout) == (0, "The log stored nothing on these days.\n")


async def test_a_folder_that_cannot_be_written_is_one_line(club: Club, database: Database, tmp_path: Path) -> None:
    await three_days(database)
    (tmp_path / "file").touch()

    done = await club.call("export", *SPAN, "--out", str(tmp_path / "file"))

    assert (done.code, len(done.stderr.splitlines())) == (1, 1)
    assert "or name another folder with --out." in done.stderr


async def test_nothing_is_archived_while_an_export_runs(club: Club, database: Database, tmp_path: Path) -> None:
    await three_days(database)
    async with database.connection() as db:
        await db.execute("SELECT pg_advisory_lock($1)", ARCHIVE_LOCK)

        done = await club.call("export", *SPAN, "--out", str(tmp_path / "out"))

        await db.execute("SELECT pg_advisory_unlock_all()")
    assert (done.code, done.stderr) == (1, "Partitions are being archived; export when that has ended.\n")
