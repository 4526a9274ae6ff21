"""`users`: the first admin, roles, bans, and nothing personal on any screen."""

import zipfile
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from tests.builders.actions import a_log
from tests.entry.cli.calling import Club

EMAIL, PASSWORD = "first-admin@example.com", "correct horse battery"


@pytest.fixture
async def staffed(club: Club, database: Database) -> Club:
    """A club with room in its log and one admin."""
    await a_log(database).make_room()
    done = await club.call("users", "create-admin", EMAIL, "--nickname", "Hana", answer=f"{PASSWORD}\n")
    assert (done.code, done.stderr) == (0, "")
    return club


async def logged(database: Database) -> list[tuple[str, str]]:
    async with database.connection() as db:
        rows = await db.fetch("SELECT action_type, metadata FROM user_actions ORDER BY id")
    return [tuple(row) for row in rows]


async def test_the_first_admin_is_made_and_the_log_says_so(staffed: Club, database: Database) -> None:
    [listed] = (await staffed.call("users", "list", "--staff", "--json")).json

    assert (listed["user_id"], listed["roles"], listed["banned_at"]) == (1, ["admin"], None)
    assert await logged(database) == [
        ("SIGN_UP", "{}"),
        ("ROLES_CHANGED", '{"roles": "admin", "by_user_id": 0}'),
    ]


async def test_a_user_is_found_by_their_address_and_none_is_shown(staffed: Club) -> None:
    found = await staffed.call("users", "list", "--email", EMAIL.upper(), "--json")
    nobody = await staffed.call("users", "list", "--email", "nobody@example.com", "--json")
    plain = await staffed.call("users", "list")

    assert [each["user_id"] for each in found.json] == [1]
    assert nobody.json == []
    assert "admin" in plain.stdout
    for text in (found.stdout, plain.stdout):
        assert "Hana" not in text
        assert "example" not in text


async def test_roles_and_bans_are_given_and_taken(staffed: Club) -> None:
    for words in (["roles", "1", "support", "viewer"], ["ban", "1"]):
        assert (await staffed.call("users", *words)).code == 0
    [listed] = (await staffed.call("users", "list", "--json")).json
    assert listed["roles"] == ["support", "viewer"]
    assert listed["banned_at"] is not None

    for words in (["roles", "1"], ["unban", "1"]):
        assert (await staffed.call("users", *words)).code == 0
    [listed] = (await staffed.call("users", "list", "--json")).json
    assert (listed["roles"], listed["banned_at"]) == ([], None)
    assert (await staffed.call("users", "list", "--staff", "--json")).json == []


async def test_a_lost_second_factor_is_taken_away_with_all_that_is_its(staffed: Club, database: Database) -> None:
    assert (await staffed.call("users", "remove-factor", "1")).code == 1
    async with database.transaction() as db:
        await db.execute("INSERT INTO second_factors (user_id, confirmed_at) VALUES (1, now())")
        await db.execute("INSERT INTO recovery_codes VALUES (1, 'x'), (1, 'y')")
        await db.execute("INSERT INTO user_data VALUES (1, 'totp_secret', 'x')")

    assert (await staffed.call("users", "remove-factor", "1")).code == 0

    async with database.connection() as db:
        for table in ("second_factors", "recovery_codes", "user_data WHERE field = 'totp_secret'"):
            assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize(
    ("words", "answer", "code", "says"),
    [
        (["create-admin", EMAIL], PASSWORD, 1, "signed up with this e-mail"),
        (["create-admin", "no address"], PASSWORD, 1, "not an e-mail address"),
        (["create-admin", "a@example.com"], "short", 1, "10 to 256"),
        (["create-admin", "a@example.com"], "", 2, "standard input"),
        (["roles", "1", "emperor"], None, 2, "emperor"),
        (["ban", "99"], None, 1, "no such user"),
        (["ban", "0"], None, 2, "USER_ID"),
    ],
)
async def test_what_is_wrong_is_said(staffed: Club, words: list[str], answer: str | None, code: int, says: str) -> None:
    done = await staffed.call("users", *words, answer=answer)

    assert (done.code, done.stdout) == (code, "")
    assert says in done.stderr
    assert PASSWORD not in done.stderr


async def test_a_user_is_erased_at_once_if_that_is_meant_and_only_once(staffed: Club, database: Database) -> None:
    asked = await staffed.call("users", "erase", "1")
    assert (asked.code, asked.stdout) == (2, "")
    assert "--yes" in asked.stderr

    done = await staffed.call("users", "erase", "1", "--yes", "--json")
    again = await staffed.call("users", "erase", "1", "--yes")

    assert done.json["state"] == "done"
    assert all(each["confirmed_at"] for each in done.json["stores"])
    assert (await staffed.call("users", "list", "--json")).json == []
    assert (await logged(database))[-1] == ("USER_ERASED", "{}")
    assert (again.code, again.stdout) == (1, "")
    assert "already" in again.stderr


async def test_erasures_that_wait_are_shown_with_what_they_wait_for(staffed: Club, database: Database) -> None:
    assert "Nobody has asked" in (await staffed.call("users", "erasures")).stdout
    away = staffed.with_settings(redis_url="unix:///nowhere")

    erased = await away.call("users", "erase", "1", "--yes")
    listed = await staffed.call("users", "erasures", "--json")

    assert erased.code == 0
    assert "hot_metrics" in erased.stdout
    assert "asks again" in erased.stdout
    [waiting] = listed.json
    assert [each["store"] for each in waiting["stores"] if each["confirmed_at"] is None] == ["hot_metrics"]
    async with database.transaction() as db:
        await db.execute("UPDATE erasures SET due_at = due_at - interval '1 hour'")
    assert "An erasure has waited for 60 min" in (await staffed.call("status")).stdout


async def test_an_export_is_written_once_and_never_over_something_else(staffed: Club, tmp_path: Path) -> None:
    file = tmp_path / "user.zip"

    assert (await staffed.call("users", "export", "1", str(file))).code == 0
    again = await staffed.call("users", "export", "1", str(file))

    with zipfile.ZipFile(file) as archive:
        assert b"Hana" in archive.read("profile.json")
    assert file.stat().st_mode & 0o077 == 0
    assert again.code == 1
    assert "File exists" in again.stderr
