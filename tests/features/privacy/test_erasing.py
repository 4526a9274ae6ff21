"""Asking to be erased, taking it back, and being gone: from every store, with a receipt that waits for all of them."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from casino_club.features.privacy.commands import erasing
from casino_club.features.privacy.commands.carrying import EraserFailed
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.log import rebuild
from casino_club.infra.privacy.doors import Erased, Eraser, NotYet, Reach
from casino_club.kernel.subject import Role
from tests.builders.jobs import NOWHERE
from tests.features.actions.club import a_key, as_user
from tests.features.identity.people import PASSWORD
from tests.features.privacy.offices import Bureau

MINE = "/api/users/me/erasure"


async def test_nobody_is_erased_before_the_time_of_grace_is_over(bureau: Bureau) -> None:
    person, code = await bureau.leaving()

    await bureau.run_job(after=timedelta(days=6))

    assert (await bureau.receipt(code))["state"] == "asked"
    assert (await person.log_in()).status_code == 200


async def test_who_is_erased_is_gone_from_every_store_and_the_receipt_says_so(bureau: Bureau) -> None:
    person, code = await bureau.leaving()

    await bureau.run_job()

    receipt = await bureau.receipt(code)
    assert receipt["state"] == "done"
    assert {each["store"] for each in receipt["stores"]} == set(bureau.office.stores)
    assert all(each["confirmed_at"] for each in receipt["stores"])
    assert await bureau.house.logged(person.user_id) == ["SIGN_UP", "LOGIN", "USER_ERASED"]


async def test_who_is_erased_can_neither_log_in_nor_refresh_nor_be_seen_and_may_come_again(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    support = await bureau.house.staff(Role.SUPPORT)

    await bureau.run_job()

    assert (await person.log_in()).json()["code"] == "wrong_credentials"
    assert (await person.refresh()).json()["code"] == "session_over"
    assert (await support.send("GET", f"/api/users/{person.user_id}/profile")).json()["code"] == "user_missing"
    again = bureau.house.stranger(person.email)
    assert (await again.sign_up()).status_code == 201
    assert again.user_id != person.user_id


async def test_tokens_of_the_erased_die_within_a_second(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    assert (await person.send("GET", "/api/users/sessions")).status_code == 200
    await bureau.run_job()

    deadline = time.monotonic() + 1
    while (await person.send("GET", "/api/users/sessions")).status_code != 401:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_no_token_made_by_hand_opens_what_was_an_account_or_a_number(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    known_by_number = 999_999
    assert (await bureau.house.http.get(MINE, headers=as_user(known_by_number))).status_code == 404
    async with bureau.database.transaction() as db:
        await erasing.order(db, known_by_number, now=datetime.now(UTC))
    await bureau.run_job()

    for user_id in (person.user_id, known_by_number):
        deadline = time.monotonic() + 1
        while (await bureau.house.http.get(MINE, headers=as_user(user_id))).status_code != 401:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_an_erasure_can_be_taken_back_until_it_begins_and_asked_for_again(bureau: Bureau) -> None:
    person, code = await bureau.leaving()

    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).json()["code"] == "erasure_asked"
    assert (await person.send("DELETE", MINE)).status_code == 204
    assert (await person.send("DELETE", MINE)).json()["code"] == "erasure_missing"
    await bureau.run_job()
    assert (await bureau.receipt(code))["state"] == "taken_back"
    assert (await person.send("GET", f"/api/users/{person.user_id}/profile")).status_code == 200
    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).status_code == 202


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "wrong_credentials"), ({"current_password": "not the password"}, "wrong_credentials")],
)
async def test_a_stolen_token_alone_erases_nobody(bureau: Bureau, body: dict[str, str], code: str) -> None:
    person = await bureau.house.person()

    assert (await person.send("POST", MINE, body)).json()["code"] == code
    assert (await person.send("GET", MINE)).json()["code"] == "erasure_missing"


async def test_who_has_a_second_factor_shows_it(bureau: Bureau) -> None:
    person = await bureau.house.person()
    [recovery, *_] = await person.enrol()

    assert (await person.send("POST", MINE, {"current_password": PASSWORD})).json()["code"] == "code_needed"
    assert (await person.send("POST", MINE, {"current_password": PASSWORD, "code": "000000"})).json()[
        "code"
    ] == "wrong_code"
    assert (await person.send("POST", MINE, {"current_password": PASSWORD, "code": recovery})).status_code == 202


async def test_who_has_no_password_shows_a_fresh_login(bureau: Bureau) -> None:
    person = await bureau.house.person()
    async with bureau.database.transaction() as db:
        await db.execute("UPDATE credentials SET password_hash = NULL WHERE user_id = $1", person.user_id)
        await db.execute("UPDATE sessions SET began_at = began_at - interval '16 minutes'")
    stale = await person.send("POST", MINE, {})
    async with bureau.database.transaction() as db:
        await db.execute("UPDATE sessions SET began_at = began_at + interval '16 minutes'")

    assert stale.json()["code"] == "fresh_login_needed"
    assert (await person.send("POST", MINE, {})).status_code == 202


async def test_a_wrong_receipt_code_shows_nothing(bureau: Bureau) -> None:
    await bureau.leaving()

    answer = await bureau.house.http.post("/api/users/erasure-receipt", json={"receipt_code": "x" * 43})

    assert (answer.status_code, answer.json()["code"]) == (404, "erasure_missing")


async def test_the_receipt_waits_for_a_store_that_is_away_and_goes_on_where_it_stopped(bureau: Bureau) -> None:
    person, code = await bureau.leaving()
    await bureau.project()
    away = RedisHotStore(NOWHERE)
    stores = replace(bureau.office.reach.stores, hot=away)
    await bureau.run_job(office=replace(bureau.office, reach=replace(bureau.office.reach, stores=stores)))

    receipt = await bureau.receipt(code)
    assert receipt["state"] == "begun"
    assert [each["store"] for each in receipt["stores"] if each["confirmed_at"] is None] == ["hot_metrics"]

    await bureau.run_job()

    assert (await bureau.receipt(code))["state"] == "done"
    assert await bureau.house.logged(person.user_id) == ["SIGN_UP", "LOGIN", "USER_ERASED"]


async def test_one_eraser_that_fails_keeps_neither_the_others_nor_other_people_waiting(bureau: Bureau) -> None:
    first, first_code = await bureau.leaving()
    _, second_code = await bureau.leaving()

    async def run(_: Reach, erased: Erased) -> None:
        if erased.user_id == first.user_id:
            raise ValueError("broken")

    broken = replace(bureau.office, erasers=[Eraser("broken", "Fails.", run), *bureau.office.erasers])
    with pytest.raises(EraserFailed):
        await bureau.run_job(office=broken)

    receipt = await bureau.receipt(first_code)
    assert receipt["state"] == "begun"
    assert {each["store"] for each in receipt["stores"] if each["confirmed_at"]} == set(bureau.office.stores)
    assert (await bureau.receipt(second_code))["state"] == "done"


async def test_a_rebuild_that_is_under_way_is_waited_for(bureau: Bureau) -> None:
    _, code = await bureau.leaving()
    async with bureau.database.transaction() as db:
        await rebuild.ask(db, "hot")

    await bureau.run_job()

    assert (await bureau.receipt(code))["state"] == "begun"


async def test_an_erasure_cut_between_its_beginning_and_its_end_is_finished_later(bureau: Bureau) -> None:
    person, code = await bureau.leaving()

    async def run(_: Reach, __: Erased) -> None:
        raise NotYet("later")

    waiting = replace(bureau.office, erasers=[Eraser("identity", "Waits.", run)])
    await bureau.run_job(office=waiting)
    assert (await bureau.receipt(code))["state"] == "begun"
    deadline = time.monotonic() + 1
    while (await person.send("GET", "/api/users/sessions")).status_code != 401:
        assert time.monotonic() < deadline, "who is being erased is out, whichever store is waited for"
        await asyncio.sleep(0.05)
    assert not (await person.log_in()).is_success
    await bureau.run_job()

    assert (await bureau.receipt(code))["state"] == "done"


async def test_nothing_more_is_recorded_of_the_erased_and_nothing_of_it_kept(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    service = await a_key(bureau.database, "game")
    await bureau.run_job()
    action = {"user_id": person.user_id, "action_type": "VIEW_CONTENT", "metadata": {"content_id": "canary"}}

    single = await bureau.house.http.post("/api/actions", json=action, headers=service)
    other = {**action, "user_id": 999}
    batch = await bureau.house.http.post("/api/actions/batch", json={"actions": [action, other]}, headers=service)

    assert (single.status_code, single.json()["code"]) == (409, "user_gone")
    assert [each.get("code") for each in batch.json()["results"]] == ["user_gone", None]
    async with bureau.database.connection() as db:
        kept = await db.fetch("SELECT sender_user_id, code, body FROM refused_actions")
    assert [tuple(row) for row in kept] == [(None, "user_gone", "")] * 2


async def test_an_erasure_is_no_way_round_an_exclusion_and_the_address_is_free_once_that_is_over(
    bureau: Bureau,
) -> None:
    person, _ = await bureau.leaving()
    excluded = await person.send("POST", "/api/protection/exclude", {"months": 6, "confirm": "exclude"})
    assert excluded.status_code == 200

    await bureau.run_job()

    again = bureau.house.stranger(person.email)
    assert (await again.sign_up()).json()["code"] == "email_taken"
    async with bureau.database.transaction() as db:
        await db.execute("UPDATE barred_identities SET until = now()")
    assert (await again.sign_up()).status_code == 201


async def test_whoever_closed_their_account_does_not_sign_up_again_for_five_years(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    assert (await person.send("POST", "/api/protection/close", {"confirm": "close"})).status_code == 200

    await bureau.run_job()

    assert (await bureau.house.stranger(person.email).sign_up()).json()["code"] == "email_taken"
    async with bureau.database.connection() as db:
        until = await db.fetchval("SELECT until FROM barred_identities")
    assert timedelta(days=5 * 365) < until - datetime.now(UTC) < timedelta(days=5 * 366)


async def test_whoever_has_come_back_from_an_exclusion_may_go_and_come_again(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    await person.send("POST", "/api/protection/exclude", {"months": 6, "confirm": "exclude"})
    async with bureau.database.transaction() as db:
        await db.execute("UPDATE protections SET until = now(), return_at = now()")
    assert (await person.send("POST", "/api/protection/return/confirm")).status_code == 200

    await bureau.run_job()

    assert (await bureau.house.stranger(person.email).sign_up()).status_code == 201
