"""Second factors: each code opens once, staff have no roles without one, and nobody takes it away with less."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from casino_club.features.identity import public
from casino_club.features.identity.rules.limits import LOGINS_OF_ACCOUNT
from casino_club.features.identity.rules.totp import (
    STEP_SECONDS,
    code_of,
    enrolment_url,
    kept_secret,
    plain_code,
    shown_secret,
    step_of,
)
from casino_club.infra.http.callers import SessionState
from tests.features.actions.club import TOKEN_SECRET
from tests.features.identity.people import PASSWORD, House, Person, code_now

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_of(RFC_SECRET, seconds // STEP_SECONDS, digits=8) == code


@pytest.mark.parametrize(("steps_late", "is_let_in"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(steps_late: int, is_let_in: bool) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    code = code_of(RFC_SECRET, int(now.timestamp()) // STEP_SECONDS)

    shown_at = now + timedelta(seconds=steps_late * STEP_SECONDS)

    assert (step_of(RFC_SECRET, code, now=shown_at, last_step=0) is not None) == is_let_in


def test_a_code_not_later_than_the_last_one_is_no_code() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    step = int(now.timestamp()) // STEP_SECONDS

    assert step_of(RFC_SECRET, code_of(RFC_SECRET, step), now=now, last_step=step) is None
    assert step_of(RFC_SECRET, code_of(RFC_SECRET, step - 1), now=now, last_step=step) is None
    assert step_of(RFC_SECRET, code_of(RFC_SECRET, step + 1), now=now, last_step=step) == step + 1


def test_an_app_is_told_all_that_it_needs() -> None:
    assert kept_secret(shown_secret(RFC_SECRET)) == RFC_SECRET
    assert plain_code(" 123 456 ") == "123456"
    assert enrolment_url(RFC_SECRET, "a&b@example.com") == (
        "otpauth://totp/Casino-Club%3Aa%26b%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Casino-Club&digits=6&period=30"
    )


async def test_from_enrolment_on_a_login_needs_a_code(house: House) -> None:
    person = await house.person()

    codes = await person.enrol()

    assert len(set(codes)) == 10
    without = await person.log_in()
    wrong = await person.log_in(code="000000")
    assert (without.status_code, without.json()["code"]) == (401, "code_needed")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_code")
    assert (await person.log_in(code=code_now(person.secret, ahead=1))).status_code == 200


async def test_a_code_that_was_used_is_refused(house: House) -> None:
    person = await house.person()
    await person.enrol()
    code = code_now(person.secret, ahead=1)
    assert (await person.log_in(code=code)).status_code == 200

    again = await person.log_in(code=code)
    older = await person.log_in(code=code_now(person.secret))

    assert again.json()["code"] == older.json()["code"] == "wrong_code"


async def test_the_code_that_confirmed_does_not_log_in(house: House) -> None:
    person = await house.person()
    await person.enrol()

    assert (await person.log_in(code=person.confirmed_with)).json()["code"] == "wrong_code"


async def test_a_recovery_code_opens_once(house: House) -> None:
    person, other = await house.person(), await house.person()
    codes, others = await person.enrol(), await other.enrol()

    first = await person.log_in(code=codes[0].lower())
    again = await person.log_in(code=codes[0])
    anothers = await person.log_in(code=others[0])

    assert (first.status_code, again.status_code, anothers.status_code) == (200, 401, 401)
    assert (await person.log_in(code=codes[1])).status_code == 200


async def test_guessing_codes_is_limited_for_who_knows_the_password(house: House) -> None:
    person = await house.person()
    codes = await person.enrol()

    answers = [await person.log_in(code="000000") for _ in range(LOGINS_OF_ACCOUNT.tries_max)]

    assert {answer.status_code for answer in answers} == {401}
    assert (await person.log_in(code=codes[0])).status_code == 429


async def test_a_code_tells_nobody_whether_the_password_was_right(house: House) -> None:
    person = await house.person()
    await person.enrol()

    assert (await person.log_in(password="not the password", code="000000")).json()["code"] == "wrong_credentials"


async def test_a_stolen_access_token_enrols_nothing_and_removes_nothing(house: House) -> None:
    person = await house.person()

    enrolled = await person.send("POST", "/api/users/totp", {"current_password": "not the password"})
    await person.enrol()
    removed = await person.send(
        "POST",
        "/api/users/totp/remove",
        {"current_password": "not the password", "code": code_now(person.secret, ahead=1)},
    )
    without_code = await person.send("POST", "/api/users/totp/remove", {"current_password": PASSWORD, "code": "000000"})

    assert [answer.json()["code"] for answer in (enrolled, removed, without_code)] == [
        "wrong_credentials",
        "wrong_credentials",
        "wrong_code",
    ]


async def test_a_factor_is_replaced_only_after_it_was_removed(house: House) -> None:
    person = await house.person()
    codes = await person.enrol()

    again = await person.send("POST", "/api/users/totp", {"current_password": PASSWORD})
    removed = await person.send("POST", "/api/users/totp/remove", {"current_password": PASSWORD, "code": codes[0]})

    assert (again.status_code, again.json()["code"]) == (409, "factor_held")
    assert removed.status_code == 204
    assert (await person.log_in()).status_code == 200
    assert (await person.send("POST", "/api/users/totp/confirm", {"code": "000000"})).json()["code"] == "factor_missing"
    assert len(await person.enrol()) == 10


async def test_an_unconfirmed_factor_is_asked_of_nobody(house: House) -> None:
    person = await house.person()
    await person.send("POST", "/api/users/totp", {"current_password": PASSWORD})

    assert (await person.send("POST", "/api/users/totp/confirm", {"code": "000000"})).json()["code"] == "wrong_code"
    assert (await person.log_in()).status_code == 200


async def test_staff_without_a_second_factor_have_no_roles_until_they_enrol(house: House) -> None:
    person = await house.person()
    async with house.database.transaction() as db:
        await db.execute("UPDATE users SET roles = '{admin}' WHERE id = $1", person.user_id)
    await person.log_in()
    before = await person.send("GET", "/api/admin/refused-actions")
    claims = claims_of(person)
    async with house.database.connection() as db:
        state = await public.find_session(db, person.user_id, claims["sid"], now=datetime.now(UTC))

    await person.enrol()
    await person.refresh()

    assert (before.status_code, before.json()["code"]) == (403, "second_factor_required")
    assert (claims["roles"], state) == ([], SessionState(frozenset(), lacks_factor=True))
    assert claims_of(person)["roles"] == ["admin"]
    assert await opens_soon(person, "/api/admin/refused-actions")


async def test_a_session_of_before_the_enrolment_gets_no_roles(house: House) -> None:
    person = await house.person()
    elsewhere = Person(house.http, person.email)
    await elsewhere.log_in()
    async with house.database.transaction() as db:
        await db.execute("UPDATE users SET roles = '{admin}' WHERE id = $1", person.user_id)

    await person.enrol()
    await elsewhere.refresh()

    assert (await elsewhere.send("GET", "/api/admin/refused-actions")).status_code == 403


def claims_of(person: Person) -> dict[str, Any]:
    return jwt.decode(person.access_token, TOKEN_SECRET, algorithms=["HS256"], audience="casino-club")


async def opens_soon(person: Person, path: str) -> bool:
    """Whether a new role counts within a second."""
    until = time.monotonic() + 1
    while (answer := await person.send("GET", path)).status_code == 403 and time.monotonic() < until:
        pass
    return answer.status_code == 200
