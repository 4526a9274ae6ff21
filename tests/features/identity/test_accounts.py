"""Signing up, logging in, passwords and profiles, and what nobody learns or changes on the way."""

import asyncio
import logging
import time

import jwt
import pytest
from argon2 import PasswordHasher, extract_parameters

from casino_club.features.identity.rules.limits import LOGINS_FROM_ADDRESS, LOGINS_OF_ACCOUNT, SIGN_UPS_FROM_ADDRESS
from casino_club.infra.vault import Unreadable, Vault
from casino_club.kernel.subject import Role
from tests.features.actions.club import TOKEN_SECRET, VAULT_SECRET
from tests.features.identity.people import PASSWORD, House

TIMED_TRIES = 200
PROBLEM = ("code", "detail", "status", "title", "type")


async def test_who_signs_up_is_logged_in_and_both_are_in_the_log(house: House) -> None:
    person = await house.person()

    profile = await person.send("GET", f"/api/users/{person.user_id}/profile")

    assert profile.status_code == 200
    assert (profile.json()["nickname"], profile.json()["email"]) == (person.nickname, person.email)
    assert await house.logged(person.user_id) == ["SIGN_UP", "LOGIN"]


async def test_an_access_token_lasts_ten_minutes_and_names_its_session(house: House) -> None:
    person = await house.person()

    claims = jwt.decode(person.access_token, TOKEN_SECRET, algorithms=["HS256"], audience="casino-club")

    assert claims["exp"] - claims["iat"] == 600
    assert [claims["sid"]] == await person.session_ids()
    assert claims["roles"] == []


async def test_an_address_counts_once_however_it_is_written(house: House) -> None:
    person = await house.person("Kim@Example.com")

    again = await house.stranger(" kim@example.COM ").sign_up()
    entered = await person.log_in(email="KIM@example.com")

    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert entered.status_code == 200


async def test_one_address_signed_up_with_many_times_at_once_has_one_user(house: House) -> None:
    answers = await asyncio.gather(*(house.stranger("kim@example.com").sign_up() for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(house: House) -> None:
    person = await house.person()

    wrong = await person.log_in(password="not the password")
    unknown = await house.stranger().log_in()

    assert wrong.status_code == unknown.status_code == 401
    assert [wrong.json()[name] for name in PROBLEM] == [unknown.json()[name] for name in PROBLEM]


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(house: House) -> None:
    person = await house.person()
    seconds: dict[str, list[float]] = {person.email: [], "nobody@example.com": []}

    for number in range(2 * TIMED_TRIES):
        # Taken in turns, so that what else this machine does weighs on both.
        email = list(seconds)[number % 2]
        await forget_attempts(house)
        began = time.perf_counter()
        await person.log_in(email=email, password="not the password")
        seconds[email].append(time.perf_counter() - began)

    assert abs(share_of_slower(*seconds.values()) - 0.5) < 0.15


def share_of_slower(first: list[float], second: list[float]) -> float:
    """How often one of the second took longer than one of the first: a half if nobody can tell them apart.

    With 200 of each, chance alone moves it by 0.03.
    """
    return sum(b > a for a in first for b in second) / (len(first) * len(second))


async def forget_attempts(house: House) -> None:
    async with house.database.transaction() as db:
        await db.execute("DELETE FROM attempts")


async def test_a_password_that_was_hashed_by_an_older_decision_is_hashed_anew_at_login(house: House) -> None:
    person = await house.person()
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    async with house.database.transaction() as db:
        await db.execute("UPDATE credentials SET password_hash = $1", weak)

    assert (await person.log_in()).status_code == 200

    async with house.database.connection() as db:
        kept = await db.fetchval("SELECT password_hash FROM credentials")
    assert extract_parameters(kept).memory_cost >= 19 * 1024
    assert (await person.log_in()).status_code == 200


async def test_stuffing_one_account_is_limited_from_however_many_addresses(house: House) -> None:
    person = await house.person()
    guesses = [house.stranger(person.email) for _ in range(LOGINS_OF_ACCOUNT.tries_max)]
    for guess in guesses:
        assert (await guess.log_in(password="not the password")).status_code == 401

    right_but_late = await house.stranger(person.email).log_in()

    assert (right_but_late.status_code, right_but_late.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(right_but_late.headers["retry-after"]) <= 15 * 60


async def test_an_address_nobody_has_is_limited_just_the_same(house: House) -> None:
    answers = [await house.stranger("nobody@example.com").log_in() for _ in range(LOGINS_OF_ACCOUNT.tries_max + 1)]

    assert [answer.status_code for answer in answers] == [401] * LOGINS_OF_ACCOUNT.tries_max + [429]


async def test_the_right_password_begins_the_count_anew(house: House) -> None:
    person = await house.person()
    for _ in range(2):
        for _ in range(LOGINS_OF_ACCOUNT.tries_max - 1):
            await person.log_in(password="not the password")
        assert (await person.log_in()).status_code == 200


@pytest.mark.parametrize(
    ("limit", "path"),
    [(LOGINS_FROM_ADDRESS, "/api/users/login"), (SIGN_UPS_FROM_ADDRESS, "/api/users/signup")],
)
async def test_one_sender_is_limited_whatever_accounts_they_try(house: House, limit: object, path: str) -> None:
    person = house.stranger()
    async with house.database.transaction() as db:
        key = Vault(VAULT_SECRET).lookup(limit.name, person.address)  # type: ignore[attr-defined]  # a Limit
        await db.execute("INSERT INTO attempts VALUES ($1, now(), $2)", key, limit.tries_max)  # type: ignore[attr-defined]  # a Limit

    answer = await (person.log_in() if path.endswith("login") else person.sign_up())

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")


@pytest.mark.parametrize("field", ["role", "roles", "balance", "user_id", "vip_tier", "banned_at", "id"])
async def test_nobody_gives_themselves_what_is_not_asked_for(house: House, field: str) -> None:
    person = await house.person()
    own = f"/api/users/{person.user_id}/profile"

    answers = [
        await house.stranger().sign_up(**{field: 1}),
        await person.log_in(**{field: 1}),
        await person.send("PATCH", own, {"nickname": "Other", field: 1}),
        await person.send("POST", "/api/users/password", {"current_password": "x", "new_password": "y", field: 1}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "invalid_body")] * 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "no address"},
        {"email": "two@at@signs"},
        {"email": "@example.com"},
        {"email": "a b@example.com"},
        {"email": "a\u202e@example.com"},
        {"nickname": "x"},
        {"nickname": "x" * 25},
        {"nickname": "zero\u200bwidth"},
        {"password": "too short"},
        {"password": "x" * 300},
        {"password": "aaaaaaaaaaaa"},
        {"nickname": "correct horse bat", "password": "Correct Horse Bat"},
    ],
)
async def test_details_that_make_no_account_are_refused(house: House, wrong: dict[str, str]) -> None:
    answer = await house.stranger().sign_up(**wrong)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_details")


async def test_a_new_password_ends_every_other_session(house: House) -> None:
    here = await house.person()
    there = house.stranger(here.email)
    await there.log_in()

    body = {"current_password": PASSWORD, "new_password": "another long one"}
    changed = await here.send("POST", "/api/users/password", body)

    assert changed.status_code == 204
    assert (await there.refresh()).status_code == 401
    assert (await here.refresh()).status_code == 200
    assert (await there.log_in()).status_code == 401
    assert (await there.log_in(password="another long one")).status_code == 200


async def test_without_the_old_password_there_is_no_new_one(house: House) -> None:
    person = await house.person()

    body = {"current_password": "not the password", "new_password": "another long one"}
    answer = await person.send("POST", "/api/users/password", body)

    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert (await person.log_in()).status_code == 200


async def test_a_nickname_can_be_changed(house: House) -> None:
    person = await house.person()
    own = f"/api/users/{person.user_id}/profile"

    changed = await person.send("PATCH", own, {"nickname": "  민지  K "})

    assert changed.json()["nickname"] == "민지 K"
    assert (await person.send("GET", own)).json() == changed.json()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_nobody_reaches_anothers_profile_or_learns_who_exists(house: House, method: str) -> None:
    person, other = await house.person(), await house.person()
    body = {"nickname": "Taken over"} if method == "PATCH" else None

    there = await person.send(method, f"/api/users/{other.user_id}/profile", body)
    nowhere = await person.send(method, "/api/users/999999/profile", body)

    assert there.status_code == nowhere.status_code == 404
    assert [there.json()[name] for name in PROBLEM] == [nowhere.json()[name] for name in PROBLEM]
    assert (await other.send("GET", f"/api/users/{other.user_id}/profile")).json()["nickname"] == other.nickname


async def test_support_reads_profiles_and_does_not_change_them(house: House) -> None:
    person = await house.person()
    support, viewer = await house.staff(Role.SUPPORT), await house.staff(Role.VIEWER)
    path = f"/api/users/{person.user_id}/profile"

    assert (await support.send("GET", path)).json()["email"] == person.email
    assert (await support.send("PATCH", path, {"nickname": "Other"})).status_code == 404
    assert (await viewer.send("GET", path)).status_code == 404


async def test_nothing_personal_is_in_clear_anywhere(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    person = house.stranger("canary-mail@example.com")
    person.nickname, person.password = "CanaryNick", "canary password"
    await person.sign_up()
    await person.log_in(password="canary wrong")
    await person.log_in()
    await person.send("GET", f"/api/users/{person.user_id}/profile")

    async with house.database.connection() as db:
        tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        kept = [str(await db.fetch(f'SELECT t::text FROM "{name}" t')) for (name,) in tables]
    said = "\n".join(record.getMessage() + str(record.__dict__) for record in caplog.records)

    assert len(kept) > 10
    for canary in ("canary", "Canary", person.address, "Test Browser", b"canary".hex(), b"Canary".hex()):
        assert not any(canary in text for text in [*kept, said]), canary


async def test_without_the_data_key_the_rest_is_unreadable(house: House) -> None:
    person = await house.person()
    vault = Vault(VAULT_SECRET)
    async with house.database.transaction() as db:
        sealed = await db.fetchval(
            "SELECT sealed FROM user_data WHERE user_id = $1 AND field = 'email'", person.user_id
        )
        wrapped = await db.fetchval("DELETE FROM user_keys WHERE user_id = $1 RETURNING wrapped_key", person.user_id)

    assert vault.open_key(person.user_id, wrapped).open("email", sealed) == person.email
    assert (await person.send("GET", f"/api/users/{person.user_id}/profile")).status_code == 404
    with pytest.raises(Unreadable):
        vault.new_key(person.user_id)[0].open("email", sealed)
