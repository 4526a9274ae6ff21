"""Protection over HTTP: users see and protect themselves, staff look and impose, nobody loosens anything for others."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casino_club.features.protection.rules.limits import LIMITS
from casino_club.features.protection.rules.standing import Status
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import Role
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.identity.people import Person
from tests.features.protection.guarding import COINS_DAY, Guard, a_protection_policy

__all__ = ["house"]

MINE = "/api/protection"


@pytest.fixture
def guard(house: people.House) -> Guard:
    return Guard(house.database, a_protection_policy())


def now() -> datetime:
    return datetime.now(UTC)


async def seen(person: Person, path: str = MINE) -> dict[str, Any]:
    answer = await person.send("GET", path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def of(shown: dict[str, Any], name: str) -> dict[str, Any]:
    measure, period = name.split("_")
    [found] = [each for each in shown["limits"] if (each["measure"], each["period"]) == (measure, period)]
    return dict(found)


async def test_somebody_new_is_normal_without_limits_and_has_consented_to_nothing(house: people.House) -> None:
    shown = await seen(await house.person())

    assert shown["standing"] == {"status": "normal", "until": None, "return_at": None}
    assert len(shown["limits"]) == len(LIMITS)
    assert {(each["amount"], each["holds"], each["used"], each["left"]) for each in shown["limits"]} == {
        (None, None, 0, None)
    }
    assert shown["reality_check"] == {"minutes": None, "sitting_minutes": 0, "is_due": False}
    assert {each["has_consent"] for each in shown["consents"]} == {False}
    assert all(each["text_en"] and each["text_ko"] for each in shown["consents"])


async def test_users_see_what_is_used_and_left_of_their_limits(house: people.House, guard: Guard) -> None:
    person = await house.person()
    body = {"measure": "coins", "period": "day", "amount": 100}

    set_ = await person.send("PUT", f"{MINE}/limits", body)
    await guard.of(person.user_id).bet(30, now=now())
    shown = await seen(person)

    assert (set_.status_code, set_.json()["amount"], set_.json()["waiting"]) == (200, 100, None)
    coins, played = of(shown, "coins_day"), of(shown, "time_day")
    assert (coins["amount"], coins["holds"], coins["used"], coins["left"]) == (100, 100, 30, 70)
    assert (coins["unit"], played["unit"], played["used"]) == ("coins", "minutes", 1)
    assert timedelta() < datetime.fromisoformat(coins["resets_at"]) - now() <= timedelta(days=1)


async def test_a_raise_waits_is_shown_and_can_be_given_up(house: people.House) -> None:
    person = await house.person()
    there = f"{MINE}/limits/time/week/raise"
    await person.send("PUT", f"{MINE}/limits", {"measure": "time", "period": "week", "amount": 60})

    taken_away = (await person.send("DELETE", f"{MINE}/limits/time/week")).json()
    too_soon = await person.send("POST", f"{there}/confirm")
    shown = of(await seen(person), "time_week")
    given_up = await person.send("DELETE", there)
    missing = [
        await person.send("DELETE", there),
        await person.send("POST", f"{there}/confirm"),
        await person.send("DELETE", f"{MINE}/limits/coins/day"),
    ]

    assert (taken_away["amount"], taken_away["waiting"]["amount"]) == (60, None)
    assert (too_soon.status_code, too_soon.json()["code"]) == (409, "raise_too_soon")
    assert shown["waiting"] == taken_away["waiting"]
    assert given_up.status_code == 204
    assert [each.json()["code"] for each in missing] == ["raise_missing", "raise_missing", "limit_missing"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("limits", {"measure": "coins", "period": "day", "amount": -1}),
        ("limits", {"measure": "coins", "period": "day", "amount": 1.5}),
        ("limits", {"measure": "coins", "period": "year", "amount": 1}),
        ("limits", {"measure": "gems", "period": "day", "amount": 1}),
        ("limits", {"measure": "coins", "period": "day"}),
        ("reality-check", {"minutes": 4}),
        ("reality-check", {"minutes": 241}),
    ],
)
async def test_limits_that_are_none_are_refused(house: people.House, path: str, body: dict[str, Any]) -> None:
    person = await house.person()

    answer = await person.send("PUT", f"{MINE}/{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


async def test_a_month_has_no_more_minutes_than_it_has(house: people.House) -> None:
    person = await house.person()
    body = {"measure": "time", "period": "month", "amount": 44_641}

    assert (await person.send("PUT", f"{MINE}/limits", body)).json()["code"] == "limit_too_large"


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("pause", {"hours": 23}),
        ("pause", {"hours": 1009}),
        ("exclude", {"months": 5, "confirm": "exclude"}),
        ("exclude", {"months": 6}),
        ("exclude", {"months": 6, "confirm": "yes"}),
        ("close", {}),
    ],
)
async def test_a_rest_that_is_too_short_too_long_or_not_confirmed_is_refused(
    house: people.House, act: str, body: dict[str, Any]
) -> None:
    person = await house.person()

    answer = await person.send("POST", f"{MINE}/{act}", body)

    assert answer.json()["code"] == "invalid_body"
    assert (await seen(person))["standing"]["status"] == "normal"


async def test_who_excludes_themselves_cannot_take_it_back_and_can_still_log_in(house: people.House) -> None:
    person = await house.person()

    excluded = await person.send("POST", f"{MINE}/exclude", {"months": 6, "confirm": "exclude"})
    back = [
        await person.send("POST", f"{MINE}/return"),
        await person.send("POST", f"{MINE}/return/confirm"),
        await person.send("POST", f"{MINE}/pause", {"hours": 24}),
    ]
    logged_in = await person.log_in()

    assert excluded.json()["status"] == "excluded"
    assert datetime.fromisoformat(excluded.json()["until"]) - now() > timedelta(days=180)
    assert [each.json()["code"] for each in back] == [
        "protection_still_holds",
        "return_missing",
        "already_stricter",
    ]
    assert logged_in.status_code == 200
    consent = {"purpose": "marketing_email", "is_given": False, "text_version": 1}
    assert (await person.send("POST", f"{MINE}/consents", consent)).status_code == 200
    assert (await seen(person))["standing"] == excluded.json()


async def test_a_return_is_asked_for_taken_back_and_not_confirmed_too_soon(house: people.House, guard: Guard) -> None:
    person = await house.person()
    assert (await person.send("POST", f"{MINE}/return")).json()["code"] == "nothing_to_loosen"
    await guard.of(person.user_id).impose(Status.PROTECTED, now=now())

    asked = (await person.send("POST", f"{MINE}/return")).json()
    too_soon = await person.send("POST", f"{MINE}/return/confirm")
    dropped = await person.send("DELETE", f"{MINE}/return")

    assert timedelta(hours=23) < datetime.fromisoformat(asked["return_at"]) - now() <= timedelta(hours=24)
    assert too_soon.json()["code"] == "return_too_soon"
    assert dropped.json() == {"status": "protected", "until": None, "return_at": None}


async def test_closing_ends_all_sessions_and_leaves_the_way_to_ones_data(house: people.House) -> None:
    person = await house.person()
    closed = await person.send("POST", f"{MINE}/close", {"confirm": "close"})

    deadline = time.monotonic() + 5
    while (await person.send("GET", MINE)).status_code != 401:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    refreshed = await person.refresh()
    logged_in = await person.log_in()

    assert closed.json()["status"] == "closed"
    assert refreshed.json()["code"] == "session_over"
    assert logged_in.status_code == 200
    assert (await seen(person))["standing"]["status"] == "closed"
    assert (await person.send("POST", f"{MINE}/return")).json()["code"] == "closed_for_good"


async def test_a_reality_check_is_due_once_its_minutes_are_played_and_rests_once_seen(
    house: people.House, guard: Guard
) -> None:
    person = await house.person()
    here = guard.of(person.user_id)
    assert (await person.send("PUT", f"{MINE}/reality-check", {"minutes": 15})).status_code == 204
    at = now()
    for minutes in (16, 8, 1):
        await here.bet(currency=Currency.GEM, now=at - timedelta(minutes=minutes))

    due = (await seen(person))["reality_check"]
    await person.send("POST", f"{MINE}/reality-check/seen")
    rests = (await seen(person))["reality_check"]

    assert due == {"minutes": 15, "sitting_minutes": 16, "is_due": True}
    assert rests == {**due, "is_due": False}


async def test_consents_are_given_and_withdrawn_the_same_way_and_paged_through(house: people.House) -> None:
    person = await house.person()
    yes = {"purpose": "night_push", "is_given": True, "text_version": 1}

    given = await person.send("POST", f"{MINE}/consents", yes)
    has = [each["has_consent"] for each in (await seen(person))["consents"] if each["purpose"] == "night_push"]
    withdrawn = await person.send("POST", f"{MINE}/consents", {**yes, "is_given": False})
    outdated = await person.send("POST", f"{MINE}/consents", {**yes, "text_version": 7})
    first = await seen(person, f"{MINE}/consents/history?limit=1")
    rest = await seen(person, f"{MINE}/consents/history?cursor={first['next_cursor']}")

    assert (given.status_code, withdrawn.status_code, has) == (200, 200, [True])
    assert (outdated.status_code, outdated.json()["code"]) == (409, "consent_text_outdated")
    assert [each["is_given"] for each in first["consents"] + rest["consents"]] == [False, True]
    assert rest["next_cursor"] is None


async def test_staff_see_anybody_impose_what_is_stricter_and_loosen_nothing(house: people.House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    there = f"/api/admin/protection/{person.user_id}"

    imposed = await support.send(
        "POST", f"{there}/impose", {"status": "limited", "days": 30, "because": "asked a friend to write"}
    )
    looser = await support.send("POST", f"{there}/impose", {"status": "informed", "because": "seems fine"})
    unknown = await support.send("POST", f"{there}/impose", {"status": "normal", "because": "seems fine"})
    too_long = await support.send("POST", f"{there}/impose", {"status": "paused", "days": 43, "because": "long"})
    shown, counts = await seen(support, there), await seen(support, "/api/admin/protection")
    history = await seen(support, f"{there}/history")

    assert imposed.json()["status"] == "limited"
    assert looser.json()["code"] == "already_stricter"
    assert (unknown.json()["code"], too_long.json()["code"]) == ("invalid_body", "pause_too_long")
    assert shown["standing"]["status"] == "limited"
    assert of(shown, "purchases_day")["holds"] == 30_000
    assert {"status": "limited", "users": 1} in counts["counts"]
    assert [(each["changed_by"], each["change"]) for each in history["changes"]] == [("staff", "limited")]
    assert "friend" not in str(await seen(person, f"{MINE}/history"))


async def test_admins_take_back_what_staff_imposed_and_the_user_comes_back_alone(
    house: people.House, guard: Guard
) -> None:
    person, own, admin = await house.person(), await house.person(), await house.staff(Role.ADMIN)
    support, why = await house.staff(Role.SUPPORT), {"because": "it was somebody else"}
    there = f"/api/admin/protection/{person.user_id}"
    await guard.of(person.user_id).impose(Status.EXCLUDED, now=now())
    await guard.of(own.user_id).exclude(6, now=now())

    by_support = await support.send("POST", f"{there}/release", why)
    kept = await person.send("POST", f"{MINE}/return")
    released = await admin.send("POST", f"{there}/release", why)
    again = await admin.send("POST", f"{there}/release", why)
    asked = await person.send("POST", f"{MINE}/return")
    chosen = await admin.send("POST", f"/api/admin/protection/{own.user_id}/release", why)

    assert by_support.json()["code"] == "role_missing"
    assert kept.json()["code"] == "protection_still_holds"
    assert released.json() == {"status": "excluded", "until": None, "return_at": None}
    assert again.json()["code"] == "nothing_to_release"
    assert asked.json()["status"] == "excluded"
    assert chosen.json()["code"] == "chosen_by_user"


async def test_a_marketer_sees_nobodys_protection_nor_does_another_user(house: people.House, guard: Guard) -> None:
    person, marketer, other = await house.person(), await house.staff(Role.MARKETER), await house.person()
    await guard.of(person.user_id).limit(COINS_DAY, 1, now=now())

    for path in (f"/api/admin/protection/{person.user_id}", "/api/admin/protection"):
        assert (await marketer.send("GET", path)).status_code == 403
        assert (await other.send("GET", path)).status_code == 403
    assert of(await seen(other), "coins_day")["amount"] is None
