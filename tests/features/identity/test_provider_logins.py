"""A login at a provider ends once, in the browser that began it, at the provider that was asked."""

import asyncio

import pytest

from casino_club.features.identity.rules.limits import PROVIDER_LOGINS_FROM_ADDRESS, SIGN_UPS_FROM_ADDRESS
from casino_club.features.identity.rules.oidc import LOGIN_MAX
from tests.features.identity.browsing import LOGIN_COOKIE, Browser, ProvidedCase, outcome


async def test_a_login_that_somebody_else_began_is_refused(provided: ProvidedCase) -> None:
    """The attacker logs in, and makes somebody else's browser end it, who would then play as the attacker."""
    attacker, victim = provided.browser, provided.another_browser()
    back = await attacker.way_back(await attacker.start())
    await victim.start()

    assert outcome(await victim.go(back)) == "/?oidc=login_unknown"
    assert await provided.count("sessions") == 0


async def test_a_login_without_the_cookie_is_refused(provided: ProvidedCase) -> None:
    back = await provided.browser.way_back(await provided.browser.start())
    del provided.browser.cookies[LOGIN_COOKIE]

    assert outcome(await provided.browser.go(back)) == "/?oidc=login_unknown"


@pytest.mark.parametrize("state", [None, "", "forged", "%00"])
async def test_a_state_that_nobody_gave_is_refused(provided: ProvidedCase, state: str | None) -> None:
    assert outcome(await provided.browser.log_in(state=state)) == "/?oidc=login_unknown"


async def test_a_login_ends_once(provided: ProvidedCase) -> None:
    back = await provided.browser.way_back(await provided.browser.start())
    cookies = dict(provided.browser.cookies)
    assert outcome(await provided.browser.go(back)) == "/play?tab=1&oidc=logged_in"
    provided.browser.cookies = cookies

    assert outcome(await provided.browser.go(back)) == "/?oidc=login_unknown"
    assert provided.provider.calls.count("/token") == 1


async def test_a_login_ends_once_however_many_try_at_once(provided: ProvidedCase) -> None:
    back = await provided.browser.way_back(await provided.browser.start())
    tabs = [Browser(provided.house, dict(provided.browser.cookies)) for _ in range(8)]

    answers = await asyncio.gather(*(tab.go(back) for tab in tabs))

    assert sorted(map(outcome, answers)) == ["/?oidc=login_unknown"] * 7 + ["/play?tab=1&oidc=logged_in"]


async def test_a_login_that_takes_too_long_is_over(provided: ProvidedCase) -> None:
    back = await provided.browser.way_back(await provided.browser.start())
    await provided.execute("UPDATE pending_logins SET began_at = began_at - $1::interval", LOGIN_MAX)

    assert outcome(await provided.browser.go(back)) == "/?oidc=login_unknown"


async def test_what_is_kept_of_a_login_can_not_end_it(provided: ProvidedCase) -> None:
    url = await provided.browser.start()
    back = await provided.browser.way_back(url)
    await provided.browser.go(back)
    await provided.browser.start()

    async with provided.house.database.connection() as db:
        kept = str(await db.fetch("SELECT p::text FROM pending_logins p"))

    secrets = [*provided.browser.cookies.values(), provided.provider.forms[0]["code_verifier"]]
    assert len(secrets) == 3
    for secret in secrets:
        assert secret not in kept
        assert secret.encode().hex() not in kept


@pytest.mark.parametrize("sends_issuer", [True, False])
async def test_a_code_of_one_provider_is_not_taken_to_another(provided: ProvidedCase, sends_issuer: bool) -> None:
    """Mix-up: the browser began at one provider, and the other one's callback is called."""
    provided.provider.sends_issuer = provided.other.sends_issuer = sends_issuer
    back = await provided.browser.way_back(await provided.browser.start("one"))

    answer = await provided.browser.go(back.replace("/oidc/one/", "/oidc/two/"))

    assert outcome(answer) == "/play?tab=1&oidc=provider_mixed_up"
    assert "/token" not in provided.other.calls + provided.provider.calls


@pytest.mark.parametrize("iss", [None, "https://attacker.example"])
async def test_an_answer_that_names_no_or_another_issuer_is_refused(provided: ProvidedCase, iss: str | None) -> None:
    assert outcome(await provided.browser.log_in(iss=iss)) == "/play?tab=1&oidc=provider_mixed_up"
    assert "/token" not in provided.provider.calls


async def test_who_cancels_is_told_so(provided: ProvidedCase) -> None:
    assert (
        outcome(await provided.browser.log_in(error="access_denied", code=None)) == "/play?tab=1&oidc=login_cancelled"
    )


async def test_a_code_that_was_spent_is_refused(provided: ProvidedCase) -> None:
    back = await provided.browser.way_back(await provided.browser.start())
    provided.provider.grants.clear()

    assert outcome(await provided.browser.go(back)) == "/play?tab=1&oidc=code_spent"


async def test_programs_get_json(provided: ProvidedCase) -> None:
    wanted = {"accept": "application/json"}

    begun = await provided.browser.go("/api/oidc/one/start?return_to=/x", **wanted)
    ended = await provided.browser.go(await provided.browser.way_back(begun.json()["url"]), **wanted)
    refused = await provided.browser.go("/api/oidc/one/callback?state=x", **wanted)

    assert (begun.status_code, ended.status_code) == (200, 200)
    assert (ended.json()["outcome"], ended.json()["session"]["token_type"]) == ("logged_in", "Bearer")
    assert (refused.status_code, refused.json()["code"]) == (403, "login_unknown")


async def test_cookies_are_closed_to_scripts_and_other_sites(provided: ProvidedCase) -> None:
    begun = await provided.house.http.get("/api/oidc/one/start", headers={"x-forwarded-for": "10.9.9.9"})

    rules = begun.headers["set-cookie"].partition(";")[2]
    assert begun.headers["set-cookie"].startswith("__Host-")
    assert rules == " Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
    assert begun.headers["referrer-policy"] == "no-referrer"


async def test_starts_and_newcomers_are_limited_per_address(provided: ProvidedCase) -> None:
    for number in range(SIGN_UPS_FROM_ADDRESS.tries_max):
        provided.provider.person = {"sub": f"number-{number}"}
        assert outcome(await provided.browser.log_in()).endswith("oidc=logged_in")
    provided.provider.person = {"sub": "one more"}

    assert outcome(await provided.browser.log_in()) == "/play?tab=1&oidc=too_many_attempts"
    tries = range(PROVIDER_LOGINS_FROM_ADDRESS.tries_max)
    answers = [await provided.browser.go("/api/oidc/away/start") for _ in tries]
    assert outcome(answers[-1]) == "/?oidc=too_many_attempts"
