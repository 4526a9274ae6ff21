"""`doctor` on real servers: it fails on those of the tests, which are not durable, and passes on those of `up`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from casino_club.entry.cli.up import FIRST_ACTION
from casino_club.infra import runtime
from casino_club.infra.settings import Settings
from tests.builders.identity_provider import CLIENT_SECRET, a_provider
from tests.builders.servers import forget, private_servers, private_warehouse
from tests.entry.cli.calling import Club, Done
from tests.features.identity.browsing import providers_file
from tests.infra.waiting import wait_for


def states(done: Done) -> dict[str, str]:
    return {each["check"]: each["state"] for each in done.json["checks"]}


async def test_servers_that_are_not_durable_fail_with_what_to_do(club: Club) -> None:
    plain, as_json = await club.call("doctor"), await club.call("doctor", "--json")

    assert plain.code == as_json.code == 1
    assert "fsync, synchronous_commit, full_page_writes off" in plain.stdout
    assert "→ set them to on in postgresql.conf" in plain.stdout
    found = states(as_json)
    assert found["Durability"] == "failure"
    assert found["Positions"] == "failure"
    assert found["Schema"] == found["PostgreSQL version"] == found["Clock"] == found["Redis persistence"] == "ok"


async def test_each_bad_setting_is_told_and_no_value_is_shown(club: Club) -> None:
    done = await club.with_settings(port="99999", token_secret="short-secret").call("doctor")

    assert done.code == 1
    assert "CASINO_CLUB_PORT" in done.stdout
    assert "CASINO_CLUB_TOKEN_SECRET" in done.stdout
    assert "short-secret" not in done.stdout


async def test_what_does_not_answer_fails_once_and_leaves_out_the_rest(club: Club) -> None:
    away = club.with_settings(database_url="postgresql://me:hidden-word@127.0.0.1:1/x", redis_url="redis://127.0.0.1:1")

    done = await away.call("doctor", "--json")

    found = states(done)
    assert (done.code, found["PostgreSQL"], found["Redis"]) == (1, "failure", "failure")
    assert "Schema" not in found
    assert done.json["left_out"] > 5
    assert "hidden-word" not in done.stdout


async def test_identity_providers_are_asked_and_what_is_wrong_is_said(club: Club, tmp_path: Path) -> None:
    async with a_provider() as good, a_provider(said={"issuer": "https://attacker.example"}) as bad:
        file = providers_file(tmp_path, {"good": good.issuer, "bad": bad.issuer})
        named = club.with_settings(oidc_providers=str(file), public_url="https://casino.test")
        done = await named.call("doctor")
        file.write_text(file.read_text().partition('[[provider]]\nid = "bad"')[0])
        mended = await named.call("doctor", "--json")

    assert "bad: it names another issuer" in done.stdout
    assert "good" not in done.stdout
    assert CLIENT_SECRET not in done.stdout
    assert states(mended)["Identity providers"] == "ok"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Club]:
    """What `up` starts, without the supervisor: durable servers, a warehouse, a consumer and the API."""
    with private_servers(tmp_path, durable=True), private_warehouse(tmp_path):
        settings = Settings.model_validate({"data_dir": tmp_path})
        runtime.prepare(settings)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        club = Club(
            {"CASINO_CLUB_DATA_DIR": str(tmp_path), "CASINO_CLUB_PORT": str(port), "CASINO_CLUB_MODE": "embedded"}
        )
        assert club.run("migrate").code == 0
        processes = [club.start("serve"), club.start("consumer")]
        yield club
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)
    forget(tmp_path)


@pytest.mark.timeout(120)
def test_what_up_starts_is_found_well_and_takes_keys_and_a_replay_while_it_serves(running: Club) -> None:
    wait_for(lambda: running.run("doctor").code == 0, seconds_max=60)

    examined, key, replayed = (
        running.run("doctor", "--json"),
        running.run("keys", "create", "first"),
        running.run("replay", "hot"),
    )

    assert set(states(examined).values()) == {"ok"}
    assert recorded(running, key.stdout.strip()) == 201
    assert (replayed.code, replayed.stderr) == (0, "")
    assert running.run("status").code == 0


def recorded(club: Club, key: str) -> int:
    """The status of the action that `up` proposes to send first."""
    answer = httpx.post(
        f"http://127.0.0.1:{club.variables['CASINO_CLUB_PORT']}/api/actions",
        content=FIRST_ACTION,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    return answer.status_code
