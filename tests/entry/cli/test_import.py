"""`import`: the same rows in every format, through the same checks, and never twice."""

import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from casino_club.infra.db.database import Database
from tests.builders.actions import a_log, a_policy, a_row, record
from tests.builders.histories import (
    BEGAN,
    MAP,
    MAP_ID,
    as_csv,
    as_jsonl,
    as_parquet,
    gzipped,
    spins,
    without_ids,
)
from tests.entry.cli.calling import Club

ALL = (*MAP, *MAP_ID)
Row = dict[str, Any]


async def room(database: Database) -> None:
    await a_log(database).make_room()


async def rows_of(database: Database) -> list[tuple[Any, ...]]:
    async with database.connection() as db:
        found = await db.fetch(
            """SELECT user_id, action_type, metadata::text, action_timestamp, client_action_id::text, streak
               FROM user_actions ORDER BY id"""
        )
    return [tuple(row) for row in found]


WRITERS: dict[str, Callable[[Path, Sequence[Row]], Path]] = {
    "history.csv": as_csv,
    "history.jsonl": as_jsonl,
    "history.parquet": as_parquet,
    "history.csv.gz": lambda path, rows: gzipped(as_csv(path.with_suffix(""), rows)),
    "history.jsonl.gz": lambda path, rows: gzipped(as_jsonl(path.with_suffix(""), rows)),
}


@pytest.mark.parametrize("name", WRITERS)
async def test_every_format_gives_the_same_rows_in_the_order_of_the_file(
    club: Club, database: Database, tmp_path: Path, name: str
) -> None:
    rows = spins(60)
    path = WRITERS[name](tmp_path / name, rows)

    done = await club.call("import", str(path), *ALL, "--json")

    [told] = done.json
    found = await rows_of(database)
    assert (done.code, told["rows"], told["accepted"]) == (0, 60, 60)
    assert (told["types"], told["users"], told["users_are_counted"]) == ({"SLOT_SPIN": 60}, 7, True)
    assert told["first_at"] == "2024-01-01T00:00:00Z"
    assert [(row[0], row[3].isoformat(), row[4]) for row in found] == [
        (each["member"], each["ts"], each["event_id"]) for each in rows
    ]
    assert [json.loads(row[2])["staked"] for row in found] == [each["metadata.staked"] for each in rows]


async def test_a_dry_run_tells_what_a_run_does_and_writes_nothing(
    club: Club, database: Database, tmp_path: Path
) -> None:
    rows = spins(30)
    rows[4]["event"] = "DANCE"
    rows[9]["metadata.staked"] = "many"
    rows += [rows[0], {**rows[1], "metadata.staked": 999}]
    path = as_jsonl(tmp_path / "history.jsonl", rows)
    await room(database)

    planned = await club.call("import", str(path), *ALL, "--dry-run", "--json")
    written = await rows_of(database)
    async with database.connection() as db:
        left = await db.fetchval("SELECT count(*) FROM imports") + await db.fetchval(
            "SELECT count(*) FROM service_keys"
        )
    done = await club.call("import", str(path), *ALL, "--json")
    foreseen_again = await club.call("import", str(path), *ALL, "--dry-run", "--json")

    assert (planned.code, done.code) == (1, 1)
    assert (written, left) == ([], 0)
    same = ("rows", "accepted", "duplicate", "refused_rows", "types", "first_at", "last_at", "users")
    assert [planned.json[0][name] for name in same] == [done.json[0][name] for name in same]
    assert [planned.json[0]["refused"][code] for code in ("unknown_action_type", "metadata_invalid")] == [
        {"rows": 1, "examples": [{"line": 5, "message": "action_type is not in the tracking plan."}]},
        {"rows": 1, "examples": [{"line": 10, "message": "metadata.staked must be an integer at least 0."}]},
    ]
    assert done.json[0]["refused"]["client_action_id_conflict"]["examples"][0]["line"] == 32
    assert (done.json[0]["accepted"], done.json[0]["duplicate"]) == (28, 1)
    assert (foreseen_again.json[0]["accepted"], foreseen_again.json[0]["duplicate"]) == (0, 29)


async def test_whoever_was_erased_is_not_brought_back(club: Club, database: Database, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "history.csv", spins(10, users=2))
    async with database.transaction() as db:
        await db.execute("INSERT INTO action_user (user_id, erased_at) VALUES (2, now())")

    planned = await club.call("import", str(path), *ALL, "--dry-run", "--json")
    done = await club.call("import", str(path), *ALL, "--json")

    assert planned.json[0]["refused"] == done.json[0]["refused"]
    assert done.json[0]["refused"]["user_gone"]["rows"] == 5
    assert {row[0] for row in await rows_of(database)} == {1}


async def test_refused_rows_can_be_mended_and_imported_themselves(
    club: Club, database: Database, tmp_path: Path
) -> None:
    rows = spins(10)
    rows[2]["event"] = "SPIN!"
    path = as_csv(tmp_path / "history.csv", rows)

    done = await club.call("import", str(path), *ALL)
    refused = tmp_path / "history.csv.refused.jsonl"
    kept = json.loads(refused.read_text())
    mended = as_jsonl(tmp_path / "mended.jsonl", [{**kept, "event": "SLOT_SPIN"}])
    again = await club.call("import", str(mended), *ALL, "--json")

    assert str(refused) in done.stdout
    assert (kept["refused_line"], kept["refused_code"], kept["member"]) == (4, "unknown_action_type", "3")
    assert (again.code, again.json[0]["accepted"]) == (0, 1)
    assert sorted(row[4] for row in await rows_of(database)) == sorted(each["event_id"] for each in rows)


async def test_rows_without_an_id_are_recorded_once_however_often_the_file_is_read(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", without_ids(spins(20)))

    first = await club.call("import", str(path), *MAP, "--json")
    second = await club.call("import", str(path), *MAP)
    third = await club.call("import", str(path), *MAP, "--again", "--json")

    assert first.json[0]["accepted"] == 20
    assert "was imported at" in second.stderr
    assert (third.json[0]["accepted"], third.json[0]["duplicate"]) == (0, 20)
    assert len(await rows_of(database)) == 20


async def test_ids_that_are_no_uuid_are_known_again_in_another_file(
    club: Club, database: Database, tmp_path: Path
) -> None:
    rows = [{**row, "event_id": f"ev-{number}"} for number, row in enumerate(spins(5))]
    await club.call("import", str(as_csv(tmp_path / "one.csv", rows)), *ALL)

    done = await club.call("import", str(as_jsonl(tmp_path / "two.jsonl", rows)), *ALL, "--json")

    assert done.json[0]["duplicate"] == 5


async def test_a_source_shares_the_ids_of_the_service_key_of_its_name(
    club: Club, database: Database, tmp_path: Path
) -> None:
    await club.call("keys", "create", "my-game")
    rows = spins(3)
    path = as_csv(tmp_path / "history.csv", rows)
    await record(
        a_log(database),
        [a_row(1, client_action_id=UUID(rows[0]["event_id"]))],
        now=datetime.now(UTC),
        policy=a_policy(),
    )

    shared = await club.call("import", str(path), *ALL, "--source", "my-game", "--json")
    (tmp_path / "history.csv.refused.jsonl").unlink()
    apart = await club.call("import", str(path), *ALL, "--source", "old-game", "--json")

    assert shared.json[0]["refused"]["client_action_id_conflict"]["rows"] == 1
    assert apart.json[0]["accepted"] == 3


async def test_history_before_live_plays_makes_streaks_and_history_after_them_leaves_them_alone(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", spins(5, users=1))
    now = datetime.now(UTC)
    live = [a_row(2, at=now - timedelta(minutes=number)) for number in (2, 1)]
    for_two = as_csv(tmp_path / "late.csv", [{**row, "member": 2} for row in spins(5, users=1, seed=2)])

    await record(a_log(database), live, now=now, policy=a_policy())
    await club.call("import", str(path), str(for_two), *ALL)

    rows = await rows_of(database)
    assert [row[5] for row in rows if row[0] == 1] == [1, 2, 3, 4, 5]
    assert [row[5] for row in rows if row[0] == 2] == [1, 2, 2, 2, 2, 2, 2]


async def test_a_replay_after_an_import_gives_the_values_that_were_there(
    club: Club, database: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await record(a_log(database), [a_row(1, at=now)], now=now, policy=a_policy())
    recent = [
        {**row, "ts": (now - timedelta(hours=5, minutes=-number)).isoformat()} for number, row in enumerate(spins(50))
    ]
    await club.call("import", str(as_csv(tmp_path / "history.csv", recent)), *ALL)
    async with database.connection() as db:
        before = await db.fetch("SELECT * FROM action_user ORDER BY user_id")

    done = await club.call("replay", "hot", "--json")

    async with database.connection() as db:
        after = await db.fetch("SELECT * FROM action_user ORDER BY user_id")
    assert (done.code, done.json["rows"], done.json["parked"]) == (0, 51, 0)
    assert before == after


async def test_a_mapping_file_says_what_columns_values_and_times_mean(
    club: Club, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "mapping.toml").write_text(
        """time = "%d.%m.%Y %H:%M"
           zone = "Asia/Seoul"
           delimiter = ";"
           ignore = ["comment"]
           [columns]
           user_id = "who"
           action_type = "what"
           action_timestamp = "when"
           "metadata.amount" = "won"
           [values.action_type]
           kauf = "PURCHASE"
           [constants]
           value = 3"""
    )
    path = tmp_path / "history.csv"
    path.write_text("who;what;when;won;comment\n7;kauf;31.12.2023 09:30;5000;hm\n")

    done = await club.call("import", str(path), "--mapping", str(tmp_path / "mapping.toml"))

    [row] = await rows_of(database)
    assert done.code == 0
    assert row[:4] == (7, "PURCHASE", '{"amount": 5000}', datetime(2023, 12, 31, 0, 30, tzinfo=UTC))


@pytest.mark.timeout(180)
async def test_an_import_that_is_killed_goes_on_and_doubles_nothing(
    club: Club, database: Database, tmp_path: Path
) -> None:
    rows = spins(40_000, users=500)
    for place in range(0, 40_000, 100):
        rows[place]["event"] = "DANCE"
    path = as_csv(tmp_path / "history.csv", without_ids(rows))

    for rows_at_least in (1, 10_000, 20_000):
        running = club.start("import", str(path), *MAP)
        await _until_noted(database, rows_at_least)
        running.send_signal(signal.SIGKILL)
        running.wait()
    done = await club.call("import", str(path), *MAP, "--json")

    [told] = done.json
    refused = [json.loads(line) for line in (tmp_path / "history.csv.refused.jsonl").read_text().splitlines()]
    found = await rows_of(database)
    assert "goes on behind line" in done.stderr
    assert (told["rows"], told["accepted"], told["duplicate"], told["refused_rows"]) == (40_000, 39_600, 0, 400)
    assert [each["refused_line"] for each in refused] == list(range(2, 40_000, 100))
    assert [row[3] for row in found] == [BEGAN + timedelta(minutes=place) for place in range(40_000) if place % 100]


@pytest.mark.timeout(120)
async def test_who_presses_ctrl_c_is_told_what_becomes_of_what_was_done(
    club: Club, database: Database, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "history.csv", without_ids(spins(60_000, users=500)))

    running = club.start("import", str(path), *MAP, hears=True)
    await _until_noted(database, 1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()

    assert running.returncode == 130
    assert said.decode() == "Interrupted: what was done stays, and the same command goes on behind it.\n"


async def _until_noted(database: Database, lines: int) -> None:
    """The running import has noted more than so many lines."""
    async with asyncio.timeout(60), database.connection() as db:
        while (await db.fetchval("SELECT max(line) FROM imports") or 0) < lines:  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(0.005)
