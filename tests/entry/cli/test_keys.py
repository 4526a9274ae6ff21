"""`keys`: what is printed, what is kept, what opens."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casino_club.features.identity import public as identity
from casino_club.infra.db.database import Database
from casino_club.infra.http import service_keys
from casino_club.infra.http.access_tokens import InvalidToken, verify_access_token
from casino_club.infra.http.callers import Callers
from casino_club.kernel.subject import Scope, ServiceSubject, Subject
from tests.builders.actions import a_log
from tests.entry.cli.calling import TOKEN_SECRET, Club
from tests.infra.http.application import find_session


async def identified(database: Database, key: str) -> Subject:
    callers = Callers(TOKEN_SECRET, service_keys.finder(database), find_session)
    return await callers.identify(f"Bearer {key}".encode())


async def test_only_the_key_goes_to_standard_output_and_it_opens(club: Club, database: Database) -> None:
    done = await club.call("keys", "create", "my-game", "--scope", "actions:write", "--scope", "actions:review")

    assert done.code == 0
    [key] = done.stdout.splitlines()
    subject = await identified(database, key)
    assert isinstance(subject, ServiceSubject)
    assert subject.scopes == {Scope.ACTIONS_WRITE, Scope.ACTIONS_REVIEW}
    assert key not in done.stderr
    assert "not shown again" in done.stderr


async def test_a_key_without_scopes_named_writes_and_reads(club: Club, database: Database) -> None:
    done = await club.call("keys", "create", "my-game", "--json")

    assert done.json["scopes"] == ["actions:read", "actions:write"]
    subject = await identified(database, done.json["key"])
    assert isinstance(subject, ServiceSubject)
    assert subject.scopes == {Scope.ACTIONS_WRITE, Scope.ACTIONS_READ}


async def test_a_list_never_holds_a_secret(club: Club) -> None:
    key = (await club.call("keys", "create", "my-game")).stdout.strip()
    secret = key.split("_", 2)[2]

    plain, as_json = await club.call("keys", "list"), await club.call("keys", "list", "--json")

    assert "my-game" in plain.stdout
    assert [each["name"] for each in as_json.json] == ["my-game"]
    for text in (plain.stdout, plain.stderr, as_json.stdout):
        assert secret not in text
        assert service_keys.digest(secret).hex() not in text


async def test_an_empty_list_says_how_to_make_a_key(club: Club) -> None:
    done = await club.call("keys", "list")

    assert done.code == 0
    assert "casino-club keys create" in done.stdout


async def test_rotating_ends_the_old_key_and_keeps_namespace_and_scopes(club: Club, database: Database) -> None:
    first = (await club.call("keys", "create", "my-game", "--scope", "actions:read", "--json")).json

    second = (await club.call("keys", "rotate", "my-game", "--json")).json

    assert (second["namespace"], second["scopes"]) == (first["namespace"], ["actions:read"])
    assert isinstance(await identified(database, second["key"]), ServiceSubject)
    with pytest.raises(InvalidToken):
        await identified(database, first["key"])


async def test_a_revoked_key_opens_nothing_and_stays_listed(club: Club, database: Database) -> None:
    key = (await club.call("keys", "create", "my-game")).stdout.strip()

    done = await club.call("keys", "revoke", "my-game")

    assert (done.code, done.stderr) == (0, "")
    with pytest.raises(InvalidToken):
        await identified(database, key)
    [listed] = (await club.call("keys", "list", "--json")).json
    assert listed["revoked_at"] is not None


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["create", "taken"], 1, "rotate or revoke"),
        (["create", "a b"], 2, "such as my-game"),
        (["create", "other", "--scope", "all"], 2, "actions:write"),
        (["rotate", "nobody"], 1, "nobody"),
        (["revoke", "nobody"], 1, "nobody"),
        (["token", "--user", "0"], 2, "--user"),
        (["token", "--user", "7", "--minutes", "11"], 2, "--minutes"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_printed(club: Club, words: list[str], code: int, says: str) -> None:
    await club.call("keys", "create", "taken")

    done = await club.call("keys", *words)

    assert done.code == code
    assert says in done.stderr
    assert done.stdout == ""


async def test_a_token_names_its_user_for_as_long_as_asked(club: Club) -> None:
    done = await club.call("keys", "token", "--user", "7", "--minutes", "3")

    token = verify_access_token(TOKEN_SECRET, done.stdout.strip())

    assert token.user_id == 7
    assert 0 < token.expires_at - datetime.now(UTC).timestamp() <= 180
    assert (await club.call("keys", "token", "--user", "8", "--json")).json["user_id"] == 8


async def test_a_token_of_somebody_with_an_account_ends_with_their_ban(club: Club, database: Database) -> None:
    await a_log(database).make_room()
    await club.call("users", "create-admin", "someone@example.com", answer="correct horse battery\n")
    token = verify_access_token(TOKEN_SECRET, (await club.call("keys", "token", "--user", "1")).stdout.strip())
    now = datetime.now(UTC)

    async with database.connection() as db:
        assert await identity.find_session(db, 1, token.session_id, now=now) is not None
        assert await identity.find_session(db, 1, token.session_id, now=now + timedelta(minutes=10)) is None
        await club.call("users", "ban", "1")
        assert await identity.find_session(db, 1, token.session_id, now=now) is None
    banned = await club.call("keys", "token", "--user", "1")
    assert (banned.code, banned.stdout) == (1, "")


async def test_a_database_that_is_away_is_one_line_without_its_password(club: Club) -> None:
    away = club.with_settings(database_url="postgresql://me:hidden-word@127.0.0.1:1/club")

    done = await away.call("keys", "list")

    assert (done.code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "casino-club up" in done.stderr
    assert "hidden-word" not in done.stderr


@pytest.mark.parametrize("url", ["mysql://me:hidden-word@127.0.0.1/club", "postgresql://me:hid/den-word@127.0.0.1/x"])
async def test_an_address_that_is_none_is_one_line_without_its_password(club: Club, url: str) -> None:
    done = await club.with_settings(database_url=url).call("keys", "list")

    assert (done.code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "CASINO_CLUB_DATABASE_URL" in done.stderr
    assert "hid" not in done.stderr


async def test_where_nothing_was_started_the_line_says_how(club: Club, tmp_path: Path) -> None:
    done = await club.with_settings(mode="embedded", data_dir=str(tmp_path / "none")).call("keys", "list")

    assert done.code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "casino-club up" in done.stderr


def test_a_process_of_its_own_prints_a_key_that_a_shell_can_keep(club: Club) -> None:
    done = club.run("keys", "create", "shell")
    listed = club.run("keys", "list", "--json")

    assert done.code == 0
    assert done.stdout.startswith("cck_")
    assert [key["name"] for key in json.loads(listed.stdout)] == ["shell"]
