"""`audit`: every command that changes something leaves its deed; what was done is shown, and checked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from casino_club.entry.cli import commands
from casino_club.infra.audit.deeds import COMMAND_LINE
from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from casino_club.infra.log import parked, positions
from tests.builders.histories import MAP, MAP_ID, as_csv, spins
from tests.builders.logs import with_rows
from tests.entry.cli.calling import Club
from tests.entry.cli.test_refused import refused_ids as refused_ids  # noqa: PLC0414 - a fixture

NOTED = {
    "users create-admin": "write_roles",
    "users roles": "write_roles",
    "users ban": "ban_user",
    "users unban": "unban_user",
    "users remove-factor": "reset_factor",
    "users export": "export_user",
    "users erase": "erase_user",
    "keys create": "create_service_key",
    "keys rotate": "rotate_service_key",
    "keys revoke": "revoke_service_key",
    "keys token": "issue_token",
    "jobs run": "ask_for_run",
    "jobs pause": "pause_job",
    "jobs resume": "resume_job",
    "jobs retry": "retry_run",
    "parked retry": "retry_parked",
    "parked drop": "drop_parked",
    "consumers forget": "forget_consumer",
    "refused replay": "replay_refused",
    "refused dismiss": "dismiss_refused",
    "replay": "replay",
    "archive": "archive",
    "import": "import",
    "export": "export",
}
"""Commands that change something, with the verb of their deed."""

UNNOTED = {
    *(
        "up",
        "serve",
        "relay",
        "consumer",
        "worker",
        "scheduler",
        "migrate",
        "status",
        "doctor",
        "audit",
        "audit verify",
    ),
    *(
        "keys list",
        "users list",
        "users erasures",
        "odds check",
        "odds verify",
        "economy simulate",
        "economy mixes",
        "economy schema",
        "parked list",
        "consumers list",
        "jobs list",
        "jobs runs",
        "refused list",
    ),
}
"""Commands that only show something, and those that start processes; `migrate` runs before there is an audit."""


def named(group: TyperGroup, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            if command.invoke_without_command:
                yield f"{before}{name}"
            yield from named(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


async def failed_run(database: Database) -> int:
    async with database.transaction() as db:
        await runs.add(db, "make_room", datetime.now(UTC))
        held = await runs.claim(db, "make_room", None, lease_seconds=60)
        assert held is not None
        await runs.finish(db, held, error_code="no_luck")
    return held.id


async def test_every_command_is_known_to_change_something_or_not() -> None:
    root = typer.main.get_command(commands())
    assert isinstance(root, TyperGroup)

    assert set(named(root)) == NOTED.keys() | UNNOTED


async def test_every_command_that_changes_something_leaves_its_deed(
    club: Club, database: Database, refused_ids: list[int], tmp_path: Path
) -> None:
    first, second = await with_rows(database, [1, 2])
    async with database.transaction() as db:
        for row_id in (first, second):
            await parked.park(db, "hot", row_id, reason="ValueError()", attempts=3)
        await positions.take(db, "gone")
    calls = {
        "users create-admin": ["admin@example.com"],
        "users roles": ["1", "viewer"],
        "users ban": ["1"],
        "users unban": ["1"],
        "users remove-factor": ["1"],
        "keys create": ["game"],
        "keys rotate": ["game"],
        "keys revoke": ["game"],
        "keys token": ["--user", "1"],
        "jobs retry": [str(await failed_run(database))],
        "jobs run": ["make_room"],
        "jobs pause": ["make_room"],
        "jobs resume": ["make_room"],
        "parked retry": ["--id", str(first)],
        "parked drop": ["--consumer", "hot", "--id", str(second), "--yes"],
        "consumers forget": ["gone", "--yes"],
        "refused replay": [str(refused_ids[0])],
        "refused dismiss": [str(refused_ids[1])],
        "replay": ["hot"],
        "archive": [],
        "users export": ["1", str(tmp_path / "user.zip")],
        "users erase": ["1", "--yes"],
        "import": [str(as_csv(tmp_path / "history.csv", spins(1))), *MAP, *MAP_ID],
        "export": ["--from", "2026-01-01", "--to", "2026-01-01"],
    }
    assert calls.keys() == NOTED.keys()

    for name, words in calls.items():
        done = await club.call(*name.split(), *words, answer="correct horse battery\n")
        assert "Traceback" not in done.stderr, done.stderr
        newest = (await club.call("audit", "--limit", "1", "--json")).json
        assert [(each["verb"], each["actor"]) for each in newest] == [(NOTED[name], COMMAND_LINE)], (name, done.stderr)

    assert (await club.call("audit", "verify")).code == 0


async def test_deeds_are_shown_to_people_and_found_by_what_and_when(club: Club) -> None:
    empty = await club.call("audit")
    await club.call("keys", "create", "game")
    await club.call("jobs", "pause", "make_room")

    plain = await club.call("audit", "--limit", "1")
    paused = await club.call("audit", "--verb", "pause_job", "--target", "job:make_room", "--json")
    before = await club.call("audit", "--until", "2020-01-01", "--json")

    assert empty.stdout == "There are no such deeds.\n"
    assert "pause_job" in plain.stdout
    assert "There may be more" in plain.stderr
    assert [each["target"] for each in paused.json] == ["job:make_room"]
    assert before.json == []


async def test_a_key_that_is_made_never_shows_in_the_audit(club: Club) -> None:
    made = (await club.call("keys", "create", "game", "--json")).json

    shown = (await club.call("audit", "--json")).stdout

    assert '"name": "game"' in shown
    assert made["key"] not in shown


async def test_a_changed_deed_is_one_line_and_exit_code_1(club: Club, database: Database) -> None:
    await club.call("jobs", "pause", "make_room")
    await club.call("jobs", "resume", "make_room")
    known = (await club.call("audit", "verify")).stdout.splitlines()[-1]
    assert (await club.call("audit", "verify", "--known", known)).code == 0

    async with database.transaction() as db:
        await db.execute("ALTER TABLE deeds DISABLE TRIGGER deeds_append_only")
        await db.execute("UPDATE deeds SET actor = 'user:9' WHERE id = 2")

    done, cut = await club.call("audit", "verify"), await club.call("audit", "verify", "--known", f"9:{known[2:]}")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == "Deed 2 was changed, or one before it. The 1 before it hang together.\n"
    assert cut.code == 1


@pytest.mark.parametrize("known", ["nonsense", "1:12", ":"])
async def test_what_can_not_be_known_is_refused(club: Club, known: str) -> None:
    assert (await club.call("audit", "verify", "--known", known)).code == 2
