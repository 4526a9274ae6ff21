"""Sessions: each refresh token works once, a stolen one ends its family, and an end holds everywhere at once."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from casino_club.features.identity.store.sessions import sessions_of
from casino_club.infra.db.database import Database
from casino_club.infra.http.access_tokens import issue_access_token
from casino_club.kernel.subject import UserSubject
from tests.features.actions.club import TOKEN_SECRET
from tests.features.identity.people import House, Person, open_house


async def seconds_until_refused(person: Person, path: str = "/api/users/sessions") -> float:
    """How long their access token still opens something."""
    began = time.monotonic()
    while (await person.send("GET", path)).status_code != 401:
        assert time.monotonic() - began < 3
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_the_refresh_token_is_where_no_script_and_no_other_site_reaches_it(house: House) -> None:
    answer = await house.stranger().sign_up()

    name, *rules = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Secure-")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/api/users/refresh"} <= set(rules)
    assert "refresh" not in answer.text


async def test_each_refresh_gives_a_new_token(house: House) -> None:
    person = await house.person()
    seen = {person.cookie}

    for _ in range(3):
        assert (await person.refresh()).status_code == 200
        assert person.cookie not in seen
        seen.add(person.cookie)

    assert len(await person.session_ids()) == 1


async def test_a_stolen_refresh_token_ends_the_family_for_thief_and_owner(house: House) -> None:
    owner = await house.person()
    thief = Person(house.http, owner.email, cookie=owner.cookie)
    assert (await owner.refresh()).status_code == 200

    stolen = await thief.refresh()

    assert (stolen.status_code, stolen.json()["code"]) == (401, "session_over")
    assert (await owner.refresh()).status_code == 401
    assert await seconds_until_refused(owner) < 1


async def test_a_thief_who_is_first_is_found_out_by_the_owner(house: House) -> None:
    owner = await house.person()
    thief = Person(house.http, owner.email, cookie=owner.cookie)
    assert (await thief.refresh()).status_code == 200

    assert (await owner.refresh()).status_code == 401
    assert (await thief.refresh()).status_code == 401


async def test_of_many_who_send_one_token_at_once_one_is_served_and_the_family_ends(house: House) -> None:
    person = await house.person()
    cookie = person.cookie

    answers = await asyncio.gather(*(Person(house.http, "", cookie=cookie).refresh() for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    assert (await person.refresh(cookie)).status_code == 401
    async with house.database.connection() as db:
        reasons = await db.fetch("SELECT ended_because FROM sessions WHERE user_id = $1", person.user_id)
    assert [row[0] for row in reasons] == ["refresh token used twice"]


async def test_another_session_of_the_user_outlives_a_stolen_token(house: House) -> None:
    owner = await house.person()
    elsewhere = house.stranger(owner.email)
    await elsewhere.log_in()
    used = owner.cookie
    await owner.refresh()

    await owner.refresh(used)

    assert (await elsewhere.refresh()).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "x" * 5_000, "a;b", "ünï"])
async def test_a_made_up_refresh_token_is_refused(house: House, cookie: str) -> None:
    header = {b"cookie": f"__Secure-casino-refresh={cookie}".encode()}

    answer = await house.http.post("/api/users/refresh", headers=header)

    assert (answer.status_code, answer.json()["code"]) == (401, "session_over")


@pytest.mark.parametrize("column", ["refresh_tokens SET issued_at", "sessions SET ends_at"])
async def test_a_refresh_token_that_is_too_old_is_refused(house: House, column: str) -> None:
    person = await house.person()
    async with house.database.transaction() as db:
        await db.execute(f"UPDATE {column} = now() - interval '31 days'")

    assert (await person.refresh()).status_code == 401


async def test_logging_out_ends_this_session_and_takes_the_cookie(house: House) -> None:
    here = await house.person()
    there = house.stranger(here.email)
    await there.log_in()

    answer = await here.send("POST", "/api/users/logout")

    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await seconds_until_refused(here) < 1
    assert (await here.refresh()).status_code == 401
    assert (await there.refresh()).status_code == 200


async def test_logging_out_everywhere_holds_within_a_second_on_every_process(
    house: House, database: Database, database_url: str, redis_url: str
) -> None:
    here = await house.person()
    async with open_house(database, database_url, redis_url) as other:
        there = other.stranger(here.email)
        await there.log_in()
        assert len(await there.session_ids()) == 2

        assert (await here.send("POST", "/api/users/logout-everywhere")).status_code == 204

        waits = await asyncio.gather(seconds_until_refused(here), seconds_until_refused(there))
        assert max(waits) < 1
        assert (await there.refresh()).status_code == 401


async def test_ones_sessions_are_listed_and_one_can_be_ended(house: House) -> None:
    here = await house.person()
    there = house.stranger(here.email)
    await there.log_in()
    listed = (await here.send("GET", "/api/users/sessions")).json()["sessions"]

    ended = await here.send("DELETE", f"/api/users/sessions/{listed[0]['id']}")

    assert [each["is_this_one"] for each in listed] == [False, True]
    assert {each["device"] for each in listed} == {"Test Browser 1"}
    assert ended.status_code == 204
    assert await seconds_until_refused(there) < 1
    assert await here.session_ids() == [listed[1]["id"]]


async def test_nobody_ends_anothers_session(house: House) -> None:
    person, other = await house.person(), await house.person()
    [session_id] = await other.session_ids()

    answer = await person.send("DELETE", f"/api/users/sessions/{session_id}")

    assert (answer.status_code, answer.json()["code"]) == (404, "session_missing")
    assert await other.session_ids() == [session_id]


@pytest.mark.parametrize("theirs", ["own user, another's session", "no such session"])
async def test_a_token_for_a_session_that_is_not_its_users_is_refused(house: House, theirs: str) -> None:
    person, other = await house.person(), await house.person()
    session_id = (await other.session_ids())[0] if "another" in theirs else 999_999
    person.access_token = issue_access_token(TOKEN_SECRET, person.user_id, datetime.now(UTC), session_id=session_id)

    assert (await person.send("GET", "/api/users/sessions")).status_code == 401


async def test_the_store_shows_a_subject_their_own_sessions_only(house: House) -> None:
    person, other = await house.person(), await house.person()

    async with house.database.connection() as db:
        found = await sessions_of(db, UserSubject(person.user_id), now=datetime.now(UTC))

    assert {each.user_id for each in found} == {person.user_id}
    assert other.user_id != person.user_id
