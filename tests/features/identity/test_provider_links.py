"""Linking an identity provider with an account, and taking the link away."""

from datetime import timedelta

from casino_club.features.identity.rules.sessions import FRESH_MAX
from tests.features.identity.browsing import ProvidedCase, outcome
from tests.features.identity.people import PASSWORD


async def test_a_user_links_a_provider_with_the_password_and_is_let_in_by_it(provided: ProvidedCase) -> None:
    person = await provided.house.person()

    linked = await provided.browser.link(person, current_password=PASSWORD, return_to="/profile")
    entered = await provided.another_browser().log_in()

    assert (outcome(linked), outcome(entered)) == ("/profile?oidc=linked", "/play?tab=1&oidc=logged_in")
    assert await provided.house.logged(person.user_id) == ["SIGN_UP", "LOGIN", "PROVIDER_LINKED", "LOGIN"]
    listed = (await person.send("GET", "/api/oidc/links")).json()["links"]
    assert [(each["provider"], each["label"]) for each in listed] == [("one", "One")]


async def test_a_stolen_access_token_alone_links_nothing(provided: ProvidedCase) -> None:
    person = await provided.house.person()

    answers = [
        await provided.browser.link(person),
        await provided.browser.link(person, current_password="not the password"),
    ]

    assert [answer.json()["code"] for answer in answers] == ["wrong_credentials"] * 2


async def test_a_link_ends_with_the_session_that_asked_for_it(provided: ProvidedCase) -> None:
    person = await provided.house.person()
    body = {"current_password": PASSWORD}
    begun = await provided.browser.post("/api/oidc/one/link", body, authorization=f"Bearer {person.access_token}")
    back = await provided.browser.way_back(begun.json()["url"])
    await person.send("POST", "/api/users/logout-everywhere")

    assert outcome(await provided.browser.go(back)) == "/?oidc=session_over"
    assert await provided.count("identity_links") == 0


async def test_an_identity_is_linked_with_one_account_and_an_account_with_one_identity_of_a_provider(
    provided: ProvidedCase,
) -> None:
    owner, second = await provided.house.person(), await provided.house.person()
    await provided.browser.link(owner, current_password=PASSWORD)

    taken = await provided.browser.link(second, current_password=PASSWORD)
    again = await provided.browser.link(owner, current_password=PASSWORD)
    provided.provider.person = {"sub": "user-2"}
    held = await provided.browser.link(owner, current_password=PASSWORD)

    assert [outcome(answer) for answer in (taken, again, held)] == [
        "/?oidc=identity_taken",
        "/?oidc=linked",
        "/?oidc=provider_held",
    ]


async def test_the_last_way_in_stays_open(provided: ProvidedCase) -> None:
    provided.provider.person["email_verified"] = True
    person = await provided.newcomer()

    refused = await person.send("DELETE", "/api/oidc/one/link")
    set_password = await person.send("POST", "/api/users/password", {"new_password": PASSWORD})
    unlinked = await person.send("DELETE", "/api/oidc/one/link")
    again = await person.send("DELETE", "/api/oidc/one/link")

    assert (refused.status_code, refused.json()["code"]) == (409, "last_way_in")
    assert (set_password.status_code, unlinked.status_code) == (204, 204)
    assert (again.status_code, again.json()["code"]) == (404, "link_missing")
    assert (await provided.house.stranger("minji@example.com").log_in()).status_code == 200
    assert (await provided.house.logged(person.user_id))[-2:] == ["PROVIDER_UNLINKED", "LOGIN"]


async def test_another_provider_is_another_way_in(provided: ProvidedCase) -> None:
    person = await provided.newcomer()
    assert outcome(await provided.browser.link(person, "two")) == "/?oidc=linked"

    assert (await person.send("DELETE", "/api/oidc/one/link")).status_code == 204
    assert (await person.send("DELETE", "/api/oidc/two/link")).json()["code"] == "last_way_in"


async def test_nobody_unlinks_or_sees_what_is_anothers(provided: ProvidedCase) -> None:
    await provided.newcomer()
    stranger = await provided.house.person()

    assert (await stranger.send("GET", "/api/oidc/links")).json() == {"links": []}
    assert (await stranger.send("DELETE", "/api/oidc/one/link")).json()["code"] == "link_missing"
    assert await provided.count("identity_links") == 1


async def test_without_a_password_a_login_of_just_now_stands_for_it(provided: ProvidedCase) -> None:
    person = await provided.newcomer()
    await provided.execute("UPDATE sessions SET began_at = began_at - $1::interval", FRESH_MAX + timedelta(minutes=1))

    answers = [
        await person.send("POST", "/api/users/totp", {}),
        await person.send("POST", "/api/users/password", {"new_password": PASSWORD}),
        await provided.browser.link(person, "two"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "fresh_login_needed")] * 3
