"""An archive of everything that is kept of a user: whole, readable, for its owner alone, not for long."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casino_club.features.privacy import jobs
from casino_club.features.privacy.commands import gathering
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.rules.refusals import ExportTooLarge
from casino_club.infra.privacy.doors import Exporter, Reach, Record
from casino_club.kernel.subject import Role
from tests.builders.jobs import a_work
from tests.features.actions.club import a_key
from tests.features.identity.people import PASSWORD, Person
from tests.features.privacy.offices import Bureau

MINE = "/api/users/me/export"


async def gather(bureau: Bureau, *, after: timedelta = timedelta(), office: Office | None = None) -> None:
    given: dict[type, Any] = {Office: office or bureau.office}
    await jobs.gather_exports.run(a_work(bureau.database, now=datetime.now(UTC) + after, given=given))


async def exported(bureau: Bureau, person: Person) -> dict[str, Any]:
    """The archive of somebody who asked for it, file by file."""
    answer = await person.send("POST", MINE, {"current_password": PASSWORD})
    assert answer.status_code == 202, answer.text
    await gather(bureau)
    fetched = await person.send("GET", f"{MINE}/archive")
    assert fetched.status_code == 200, fetched.text
    return opened(fetched.content)


def opened(archive: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        texts = {name: found.read(name).decode() for name in found.namelist()}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in texts.items()}


async def test_the_archive_holds_what_is_kept_and_says_in_both_languages_what_it_is(bureau: Bureau) -> None:
    person = await bureau.house.person()
    await person.send("POST", "/api/users/verify-age", {"birth_date": "1990-04-01"})
    await person.send("POST", "/api/actions", {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "lobby"}})
    await person.send("POST", "/api/actions", {"action_type": "PURCHASE", "metadata": {"amount": 5}})

    for amount in (5_000, 6_000):
        limit = {"measure": "coins", "period": "day", "amount": amount}
        await person.send("PUT", "/api/protection/limits", limit)
    consent = {"purpose": "night_push", "is_given": True, "text_version": 1}
    await person.send("POST", "/api/protection/consents", consent)

    async with bureau.database.transaction() as db:
        link = "INSERT INTO identity_links VALUES ('https://login.example', 'x', $1, now())"
        await db.execute(link, person.user_id)

    files = await exported(bureau, person)

    assert [each["issuer"] for each in files["identity_links.json"]] == ["https://login.example"]
    assert {f"{each.name}.json" for each in bureau.office.exporters} == files.keys() - {"README.txt"}
    for each in bureau.office.exporters:
        assert each.about in files["README.txt"]
        assert each.about_ko in files["README.txt"]
    [profile] = files["profile.json"]
    assert (profile["nickname"], profile["email"], profile["birth_date"]) == ("Minji", person.email, "1990-04-01")
    assert [each["device"] for each in files["sessions.json"]] == ["Test Browser 1"]
    assert [each["action_type"] for each in files["actions.json"]] == [
        "SIGN_UP",
        "LOGIN",
        "VIEW_CONTENT",
        "LIMIT_SET",
        "CONSENT_GIVEN",
    ]
    assert files["actions.json"][2]["metadata"] == {"content_id": "lobby"}
    assert [each["code"] for each in files["refused_actions.json"]] == ["sender_not_allowed"]
    assert [each["asked_for"] for each in files["requests.json"]] == ["export"]
    protection, *changes = files["protection.json"]
    assert (protection["limits"], protection["raises"]["coins_day"]["amount"]) == ({"coins_day": 5_000}, 6_000)
    assert [each["change"] for each in changes] == ["raise_asked", "limit_set"]
    assert [(each["purpose"], each["is_given"]) for each in files["consents.json"]] == [("night_push", True)]


async def test_nothing_of_anybody_else_is_in_it(bureau: Bureau) -> None:
    other = bureau.house.stranger("canary-other@example.com")
    other.nickname = "CanaryOther"
    await other.sign_up()
    await other.send("POST", "/api/actions", {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "canary"}})
    await other.send("POST", "/api/actions", {"action_type": "PURCHASE", "metadata": {"canary": 5}})
    person = await bureau.house.person()
    service = await a_key(bureau.database, "game")
    refused = {"user_id": int(f"{person.user_id}0"), "action_type": "NO_SUCH", "metadata": {"canary": 1}}
    await bureau.house.http.post("/api/actions", json=refused, headers=service)

    files = await exported(bureau, person)

    assert "canary" not in str(files).lower()


async def test_what_services_sent_about_the_user_is_in_it(bureau: Bureau) -> None:
    person = await bureau.house.person()
    service = await a_key(bureau.database, "game")
    refused = {"user_id": person.user_id, "action_type": "NO_SUCH"}
    await bureau.house.http.post("/api/actions", json=refused, headers=service)

    files = await exported(bureau, person)

    assert [each["code"] for each in files["refused_actions.json"]] == ["unknown_action_type"]


async def test_only_its_owner_fetches_it_and_the_database_holds_it_sealed(bureau: Bureau) -> None:
    person = await bureau.house.person()
    await exported(bureau, person)
    other, admin = await bureau.house.person(), await bureau.house.staff(Role.ADMIN, Role.SUPPORT)

    assert (await other.send("GET", f"{MINE}/archive")).json()["code"] == "export_missing"
    assert (await admin.send("GET", f"{MINE}/archive")).json()["code"] == "export_missing"
    assert (await other.send("GET", MINE)).json()["code"] == "export_missing"
    async with bureau.database.connection() as db:
        [part] = await db.fetch("SELECT sealed FROM export_parts")
    assert b"README" not in part["sealed"]


async def test_it_needs_the_password_is_gathered_once_at_a_time_and_rests_before_the_next(bureau: Bureau) -> None:
    person = await bureau.house.person()

    assert (await person.send("POST", MINE, {})).json()["code"] == "wrong_credentials"
    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).status_code == 202
    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).json()["code"] == "export_asked"
    assert (await person.send("GET", f"{MINE}/archive")).json()["code"] == "export_missing"
    await gather(bureau)
    assert (await person.send("GET", MINE)).json()["state"] == "ready"
    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).json()["code"] == "export_too_soon"


async def test_it_is_deleted_once_it_has_expired(bureau: Bureau) -> None:
    person = await bureau.house.person()
    await exported(bureau, person)

    await gather(bureau, after=timedelta(hours=25))

    assert (await person.send("GET", f"{MINE}/archive")).json()["code"] == "export_missing"
    async with bureau.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM export_parts") == 0


async def test_one_that_would_leave_something_out_fails_and_says_why(bureau: Bureau) -> None:
    person = await bureau.house.person()
    await person.send("POST", MINE, {"current_password": PASSWORD})

    def broken(_: Reach, __: int) -> AsyncIterator[Record]:
        raise ExportTooLarge

    office = replace(bureau.office, exporters=[Exporter("broken", "x", "x", broken)])
    await gather(bureau, office=office)

    shown = (await person.send("GET", MINE)).json()
    assert (shown["state"], shown["error_code"]) == ("failed", "export_too_large")
    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).status_code == 202


async def test_an_archive_in_memory_grows_no_further_than_it_may() -> None:
    file = gathering.Bounded(10, ExportTooLarge())
    file.write(b"12345")

    with pytest.raises(ExportTooLarge):
        file.write(b"123456")


async def test_an_erasure_takes_the_archive_along(bureau: Bureau) -> None:
    person = await bureau.house.person()
    await exported(bureau, person)
    await person.send("POST", "/api/users/me/erasure", {"current_password": PASSWORD})

    await bureau.run_job()

    async with bureau.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM exports") == 0
        assert await db.fetchval("SELECT count(*) FROM export_parts") == 0
