"""Who comes by an identity provider: newcomers, those who come again, and those who have a second factor."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from casino_club.features.identity.rules.oidc import WAITING_MAX
from casino_club.features.identity.store import bars, leaving
from tests.features.identity.browsing import Browser, ProvidedCase, outcome
from tests.features.identity.people import PASSWORD, code_now


async def test_providers_are_listed_in_the_operators_order(provided: ProvidedCase) -> None:
    answer = await provided.house.http.get("/api/oidc/providers")

    assert answer.json()["providers"][0] == {"id": "one", "label": "One", "start": "/api/oidc/one/start"}
    assert [each["id"] for each in answer.json()["providers"]] == ["one", "two", "away"]


async def test_who_comes_for_the_first_time_becomes_a_user_and_is_logged_in(provided: ProvidedCase) -> None:
    provided.provider.person |= {"nickname": " Min  Ji ", "email_verified": True, "name": "Kim Min-ji"}

    person = await provided.newcomer()

    profile = (await person.send("GET", f"/api/users/{person.user_id}/profile")).json()
    assert (profile["nickname"], profile["email"]) == ("Min Ji", "minji@example.com")
    assert await provided.house.logged(person.user_id) == ["SIGN_UP", "PROVIDER_LINKED", "LOGIN"]


async def test_who_comes_again_is_the_same_user(provided: ProvidedCase) -> None:
    first = await provided.newcomer()
    provided.provider.person["email"] = "moved@example.com"

    assert outcome(await provided.browser.log_in()) == "/play?tab=1&oidc=logged_in"

    again = provided.browser.person()
    await again.refresh()
    assert again.user_id == first.user_id
    assert await provided.house.logged(first.user_id) == ["SIGN_UP", "PROVIDER_LINKED", "LOGIN", "LOGIN"]


async def test_the_profile_may_be_told_apart_from_the_token(provided: ProvidedCase) -> None:
    provided.provider.tells_profile_apart = True
    provided.provider.person |= {"preferred_username": "minji@example.com"}

    person = await provided.newcomer()

    profile = (await person.send("GET", f"/api/users/{person.user_id}/profile")).json()
    assert (profile["nickname"], profile["email"]) == (f"User {person.user_id}", "minji@example.com")
    assert provided.provider.calls.count("/me") == 1


async def test_a_profile_of_somebody_else_is_refused(provided: ProvidedCase) -> None:
    provided.provider.tells_profile_apart = True
    provided.provider.claims = {"sub": "user-2"}

    assert outcome(await provided.browser.log_in()) == "/play?tab=1&oidc=id_token_invalid"
    assert await provided.count("users") == 0


async def test_who_comes_twice_at_once_becomes_one_user(provided: ProvidedCase) -> None:
    browsers = [provided.another_browser() for _ in range(6)]

    answers = await asyncio.gather(*(browser.log_in() for browser in browsers))

    assert {outcome(answer) for answer in answers} == {"/play?tab=1&oidc=logged_in"}
    assert (await provided.count("users"), await provided.count("identity_links")) == (1, 1)


async def test_a_provider_without_an_address_brings_a_user_without_one(provided: ProvidedCase) -> None:
    provided.browser = Browser(provided.house)
    assert outcome(await provided.browser.log_in("two")) == "/play?tab=1&oidc=logged_in"
    person = provided.browser.person()
    await person.refresh()

    profile = (await person.send("GET", f"/api/users/{person.user_id}/profile")).json()
    refused = await person.send("POST", "/api/users/password", {"new_password": PASSWORD})

    assert profile["email"] is None
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_details")


@pytest.mark.parametrize("is_proven", [True, False])
async def test_an_address_that_has_an_account_is_never_linked_in_silence(
    provided: ProvidedCase, is_proven: bool
) -> None:
    owner = await provided.house.person("Minji@example.com")
    provided.provider.person["email_verified"] = is_proven

    assert outcome(await provided.browser.log_in()) == "/play?tab=1&oidc=email_held"

    assert await provided.house.logged(owner.user_id) == ["SIGN_UP", "LOGIN"]
    assert (await provided.count("users"), await provided.count("identity_links")) == (1, 0)


@pytest.mark.parametrize(("is_proven", "code"), [(True, "email_taken"), (False, None)])
async def test_only_a_proven_address_is_kept_from_others(
    provided: ProvidedCase, is_proven: bool, code: str | None
) -> None:
    provided.provider.person["email_verified"] = is_proven
    await provided.newcomer()

    answer = await provided.house.stranger("minji@example.com").sign_up()

    assert answer.json().get("code") == code


async def test_a_second_factor_is_asked_for_after_the_provider(provided: ProvidedCase) -> None:
    person = await provided.newcomer()
    await person.enrol()
    browser = provided.another_browser()

    asked = await browser.log_in()
    wrong = await browser.post("/api/oidc/code", {"code": "000000"})
    elsewhere = await provided.another_browser().post("/api/oidc/code", {"code": code_now(person.secret, ahead=1)})
    shown = await browser.post("/api/oidc/code", {"code": code_now(person.secret, ahead=1)})
    again = await browser.post("/api/oidc/code", {"code": code_now(person.secret, ahead=1)})

    assert outcome(asked) == "/play?tab=1&oidc=code_needed"
    assert [answer.json().get("code") for answer in (wrong, elsewhere, again)] == [
        "wrong_code",
        "login_unknown",
        "login_unknown",
    ]
    assert (shown.status_code, shown.json()["user_id"]) == (200, person.user_id)
    assert await provided.count("waiting_logins") == 0


async def test_a_second_factor_that_is_shown_too_late_is_refused(provided: ProvidedCase) -> None:
    person = await provided.newcomer()
    codes = await person.enrol()
    await provided.browser.log_in()
    await provided.execute("UPDATE waiting_logins SET began_at = began_at - $1::interval", WAITING_MAX)

    assert (await provided.browser.post("/api/oidc/code", {"code": codes[0]})).json()["code"] == "login_unknown"


async def test_a_ban_holds_at_every_provider(provided: ProvidedCase) -> None:
    person = await provided.newcomer()
    await provided.execute("UPDATE users SET banned_at = now() WHERE id = $1", person.user_id)

    assert outcome(await provided.browser.log_in()) == "/play?tab=1&oidc=banned"


async def test_who_logs_out_is_out_until_the_provider_is_asked_again(provided: ProvidedCase) -> None:
    person = await provided.newcomer()

    left = await person.send("POST", "/api/users/logout")

    assert left.status_code == 204
    assert (await person.refresh()).json()["code"] == "session_over"


async def test_a_provider_that_is_away_or_unknown_is_said_so(provided: ProvidedCase) -> None:
    starts = [await provided.browser.go(f"/api/oidc/{name}/start") for name in ("away", "none")]
    for_programs = await provided.browser.go("/api/oidc/away/start", accept="application/json")

    assert [outcome(answer) for answer in starts] == ["/?oidc=provider_unavailable", "/?oidc=provider_missing"]
    assert (for_programs.status_code, for_programs.json()["code"]) == (503, "provider_unavailable")


async def test_nothing_personal_is_kept_in_clear(provided: ProvidedCase) -> None:
    provided.provider.person |= {"sub": "canary-subject", "nickname": "Canary Name", "email": "canary@example.com"}
    await provided.newcomer()

    async with provided.house.database.connection() as db:
        tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        kept = "".join([str(await db.fetch(f'SELECT t::text FROM "{name}" t')) for (name,) in tables])

    for canary in ("canary-subject", "Canary Name", "canary@example.com"):
        assert canary not in kept
        assert canary.encode().hex() not in kept


@pytest.mark.parametrize(
    ("back_as", "code"),
    [
        ({"email": "other@example.com"}, "identity_taken"),
        ({"sub": "another", "email_verified": True}, "email_held"),
        ({"sub": "another", "email": "other@example.com"}, "logged_in"),
    ],
)
async def test_who_was_barred_and_is_erased_does_not_come_back_by_a_provider(
    provided: ProvidedCase, back_as: dict[str, object], code: str
) -> None:
    provided.provider.person["email_verified"] = True
    person = await provided.newcomer()
    async with provided.house.database.transaction() as db:
        await bars.bar_sign_up(db, person.user_id, until=datetime.now(UTC) + timedelta(days=1))
        await bars.keep_bar(db, person.user_id)
        await leaving.remove_user(db, person.user_id)

    provided.provider.person |= back_as

    assert outcome(await provided.another_browser().log_in()) == f"/play?tab=1&oidc={code}"
