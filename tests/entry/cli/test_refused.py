"""`refused`: shown, recorded after all, closed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casino_club.features.actions.store import refusals
from casino_club.features.actions.store.refusals import RefusedRow
from casino_club.infra.db.database import Database
from tests.builders.actions import a_log
from tests.entry.cli.calling import Club

GOOD = {"action_type": "VIEW_CONTENT", "user_id": 7}


@pytest.fixture
async def refused_ids(database: Database) -> list[int]:
    """One that is good by now, one that is not."""
    bodies = [json.dumps(GOOD), json.dumps({**GOOD, "action_type": "FLY"})]
    await a_log(database).make_room()
    async with database.transaction() as db:
        rows = [RefusedRow(100, None, "unknown_action_type", "There is no such type.", body) for body in bodies]
        await refusals.keep_refused(db, rows, now=datetime.now(UTC))
        return [row["id"] for row in await refusals.refused(db, status="open", code=None, after_id=None, limit=10)]


async def test_a_list_shows_why_and_for_programs_what_was_sent(club: Club, refused_ids: list[int]) -> None:
    plain, as_json = await club.call("refused", "list"), await club.call("refused", "list", "--json")

    assert "unknown_action_type" in plain.stdout
    assert [row["id"] for row in as_json.json] == refused_ids
    assert json.loads(as_json.json[0]["body"]) == GOOD
    assert (await club.call("refused", "list", "--status", "dismissed")).stdout == "No refused actions are dismissed.\n"


async def test_one_that_the_rules_allow_by_now_is_recorded_once(club: Club, refused_ids: list[int]) -> None:
    done = await club.call("refused", "replay", str(refused_ids[0]), "--json")
    again = await club.call("refused", "replay", str(refused_ids[0]))

    assert done.code == 0, done.stderr
    assert done.json["status"] == "replayed"
    assert (again.code, len(again.stderr.splitlines())) == (1, 1)
    assert "settled already" in again.stderr


async def test_one_that_is_still_wrong_is_recorded_once_corrected(
    club: Club, refused_ids: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "corrected.json"
    file.write_text(json.dumps(GOOD))

    as_it_was = await club.call("refused", "replay", str(refused_ids[1]))
    corrected = await club.call("refused", "replay", str(refused_ids[1]), "--corrected", str(file))

    assert (as_it_was.code, len(as_it_was.stderr.splitlines())) == (1, 1)
    assert corrected.code == 0
    assert "is in the log now" in corrected.stdout


async def test_a_correction_that_is_no_action_is_refused(club: Club, refused_ids: list[int], tmp_path: Path) -> None:
    file = tmp_path / "corrected.json"
    file.write_text("{}")

    done = await club.call("refused", "replay", str(refused_ids[1]), "--corrected", str(file))

    assert (done.code, len(done.stderr.splitlines())) == (2, 1)


async def test_one_is_closed_without_being_recorded(club: Club, refused_ids: list[int]) -> None:
    done = await club.call("refused", "dismiss", str(refused_ids[0]))
    missing = await club.call("refused", "dismiss", "999999")

    assert (done.code, done.stdout) == (0, f"Refused action {refused_ids[0]} is dismissed.\n")
    assert missing.code == 1
    assert [row["id"] for row in (await club.call("refused", "list", "--json")).json] == refused_ids[1:]
