"""Wallets over HTTP: what users see and claim, what services bring in and take out, what staff look at."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from casino_club.entry.payments import PAYMENT_BOOK
from casino_club.entry.wiring import inspections
from casino_club.features.wallet.commands.checking import check
from casino_club.features.wallet.rules.accounts import USER_ID_MAX, House, Pocket
from casino_club.features.wallet.rules.orders import Give, Take
from casino_club.infra.jobs import runs
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import Role, Scope
from tests.builders.actions import NOON
from tests.features.actions.club import a_key, as_user
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.wallet.purse import Purse, a_wallet_policy

__all__ = ["house"]

COINS = Give(Pocket.COINS, 1_000, House.GRANTS, "welcome")
STAKE = Take(Currency.COIN, 100, House.GAMES)
GEMS = Give(Pocket.PENDING_GEMS, 10, House.GRANTS, "grant 1")


@pytest.fixture
def purse(house: people.House) -> Purse:
    return Purse(house.database, a_wallet_policy())


@pytest.fixture
async def service(house: people.House) -> dict[str, str]:
    return await a_key(house.database, "partner", [Scope.WALLET_WRITE])


async def tokens(house: people.House, service: dict[str, str], act: str, **body: Any) -> httpx.Response:
    return await house.http.post(f"/api/wallet/tokens/{act}", json=body, headers=service)


async def test_somebody_new_has_nothing_of_everything(house: people.House) -> None:
    person = await house.person()

    shown = (await person.send("GET", "/api/wallet")).json()
    history = (await person.send("GET", "/api/wallet/history")).json()

    assert [(each["currency"], each["spendable"]) for each in shown["balances"]] == [
        ("COIN", 0),
        ("GEM", 0),
        ("CYBER_TOKEN", 0),
    ]
    assert shown["pending_gems"] == 0
    assert history == {"transactions": [], "next_cursor": None}


async def test_users_page_through_their_own_history_by_currency_and_kind(house: people.House, purse: Purse) -> None:
    person, other = await house.person(), await house.person()
    await purse.post(COINS, user_id=person.user_id, kind="welcome")
    await purse.post(GEMS, user_id=person.user_id, kind="grant")
    for _ in range(3):
        await purse.post(STAKE, user_id=person.user_id, kind="bet")
    await purse.post(COINS, user_id=other.user_id, kind="welcome")

    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await person.send("GET", f"/api/wallet/history?currency=COIN&limit=2{cursor}")).json()
        seen += page["transactions"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    bets = (await person.send("GET", "/api/wallet/history?kind=bet")).json()["transactions"]

    assert [each["kind"] for each in seen] == ["bet", "bet", "bet", "welcome"]
    assert [each["changes"][0]["balance_after"] for each in seen] == [700, 800, 900, 1_000]
    assert len(bets) == 3
    assert bets[0]["changes"] == [{"pocket": "coins", "currency": "COIN", "amount": -100, "balance_after": 700}]


async def test_gems_are_claimed_once_for_a_key_even_a_hundred_times_at_once(house: people.House, purse: Purse) -> None:
    person = await house.person()
    await purse.post(GEMS, user_id=person.user_id)
    body = {"key": str(uuid4()), "gems": 4}

    answers = await asyncio.gather(*(person.send("POST", "/api/wallet/claims", body) for _ in range(100)))
    other_body = await person.send("POST", "/api/wallet/claims", {**body, "gems": 5})
    too_many = await person.send("POST", "/api/wallet/claims", {"key": str(uuid4()), "gems": 7})

    assert {answer.status_code for answer in answers} == {201}
    assert sum(not answer.json()["was_repeated"] for answer in answers) == 1
    assert len({answer.json()["transaction_id"] for answer in answers}) == 1
    assert (other_body.status_code, other_body.json()["code"]) == (409, "key_reused")
    assert (too_many.status_code, too_many.json()["code"]) == (409, "insufficient_funds")
    shown = (await person.send("GET", "/api/wallet")).json()
    assert (shown["balances"][1]["spendable"], shown["pending_gems"]) == (4, 6)


@pytest.mark.parametrize("gems", [0, -1, 1.5, "3", 10**15 + 1, None, True])
async def test_amounts_that_are_none_are_refused_and_nothing_moves(
    house: people.House, purse: Purse, gems: object
) -> None:
    person = await house.person()
    await purse.post(GEMS, user_id=person.user_id)

    answer = await person.send("POST", "/api/wallet/claims", {"key": str(uuid4()), "gems": gems})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")
    assert await purse.holds(person.user_id) == {Pocket.PENDING_GEMS: 10}


async def test_an_event_of_the_partner_has_its_effect_once(house: people.House, service: dict[str, str]) -> None:
    person = await house.person()
    earned = {"user_id": person.user_id, "event_id": "evt-1", "amount": 30}

    first = await tokens(house, service, "earn", **earned)
    again = await tokens(house, service, "earn", **earned)
    other = await tokens(house, service, "earn", **{**earned, "amount": 31})
    spent = await tokens(house, service, "spend", user_id=person.user_id, event_id="evt-2", amount=12)
    crossed = await tokens(house, service, "spend", user_id=person.user_id, event_id="evt-1", amount=12)
    too_many = await tokens(house, service, "spend", user_id=person.user_id, event_id="evt-3", amount=19)

    assert (first.status_code, first.json()["token_balance"], first.json()["partner_tokens"]) == (201, 30, 30)
    assert again.json() == {**first.json(), "was_repeated": True}
    assert (spent.json()["token_balance"], spent.json()["partner_tokens"]) == (18, 12)
    assert [answer.json()["code"] for answer in (other, crossed)] == ["key_reused", "key_reused"]
    assert too_many.json()["code"] == "insufficient_funds"
    logged = await house.logged(person.user_id)
    assert logged[-2:] == ["EARN_CYBER_TOKENS", "SPEND_CYBER_TOKENS"]


async def test_events_of_two_services_never_meet(house: people.House, service: dict[str, str]) -> None:
    other = await a_key(house.database, "another", [Scope.WALLET_WRITE])

    for each in (service, other):
        await tokens(house, each, "earn", user_id=7, event_id="evt-1", amount=30)

    assert (await tokens(house, other, "spend", user_id=7, event_id="evt-2", amount=60)).json()["token_balance"] == 0


async def test_staff_see_any_wallet_and_users_only_their_own(house: people.House, purse: Purse) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    await purse.post(COINS, user_id=person.user_id)
    there = f"/api/admin/wallets/{person.user_id}"

    shown, history = await support.send("GET", there), await support.send("GET", f"{there}/history")
    kept_out = await person.send("GET", there)

    assert shown.json()["balances"][0] == {
        "currency": "COIN",
        "spendable": 1_000,
        "pockets": [{"pocket": "coins", "amount": 1_000}],
    }
    assert len(history.json()["transactions"]) == 1
    assert kept_out.status_code == 403


async def test_a_number_too_large_for_accounts_is_refused_cleanly(
    house: people.House, purse: Purse, service: dict[str, str]
) -> None:
    beyond, last = as_user(USER_ID_MAX + 1), as_user(USER_ID_MAX)
    claim = {"key": str(uuid4()), "gems": 1}

    answers = [
        await house.http.get("/api/wallet", headers=beyond),
        await house.http.get("/api/wallet/history", headers=beyond),
        await house.http.post("/api/wallet/claims", json=claim, headers=beyond),
    ]
    by_service = await tokens(house, service, "earn", user_id=USER_ID_MAX + 1, event_id="evt-1", amount=1)
    await purse.post(COINS, user_id=USER_ID_MAX)

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(422, "user_id_too_large")] * 3
    assert by_service.json()["code"] == "invalid_body"
    assert (await house.http.get("/api/wallet", headers=last)).json()["balances"][0]["spendable"] == 1_000


async def corrected(admin: people.Person, tx_id: int) -> httpx.Response:
    body = {"transaction_id": tx_id, "because": "posted twice"}
    return await admin.send("POST", "/api/admin/wallet-corrections", body)


async def deeds(house: people.House) -> list[tuple[str, str]]:
    async with house.database.connection() as db:
        rows = await db.fetch("SELECT verb, target FROM deeds WHERE target LIKE 'correction:%' ORDER BY id")
    return [(row[0], row[1]) for row in rows]


async def test_a_small_transaction_is_corrected_by_one_admin_at_once(house: people.House, purse: Purse) -> None:
    admin = await house.staff(Role.ADMIN)
    posted = await purse.post(COINS)

    made = await corrected(admin, posted.tx_id)
    again = await corrected(admin, posted.tx_id)
    missing = await corrected(admin, 10**12)

    assert made.status_code == 201
    assert made.json()["correction_transaction_id"] is not None
    assert await purse.holds() == {}
    assert [answer.json()["code"] for answer in (again, missing)] == ["already_corrected", "transaction_missing"]
    assert await deeds(house) == [("propose_correction", f"correction:{made.json()['id']}")]


async def test_a_large_one_takes_a_second_person(house: people.House, purse: Purse) -> None:
    admin, second = await house.staff(Role.ADMIN), await house.staff(Role.ADMIN)
    posted = await purse.post(Give(Pocket.COINS, 1_001, House.GRANTS, "welcome"))

    proposed = (await corrected(admin, posted.tx_id)).json()
    there = f"/api/admin/wallet-corrections/{proposed['id']}"
    open_already = await corrected(second, posted.tx_id)
    alone = await admin.send("POST", f"{there}/approve")
    held = await purse.holds()
    listed = (await second.send("GET", "/api/admin/wallet-corrections?is_open=true")).json()["corrections"]
    both = await asyncio.gather(*(second.send("POST", f"{there}/approve") for _ in range(5)))

    assert proposed["settled_at"] is None
    assert open_already.json()["code"] == "correction_open"
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    assert held == {Pocket.COINS: 1_001}
    assert [each["id"] for each in listed] == [proposed["id"]]
    assert sorted(answer.status_code for answer in both) == [200, 409, 409, 409, 409]
    assert await purse.holds() == {}
    assert [verb for verb, _ in await deeds(house)] == ["propose_correction", "approve_correction"]


async def test_what_is_withdrawn_or_spent_is_not_corrected(house: people.House, purse: Purse) -> None:
    admin, second = await house.staff(Role.ADMIN), await house.staff(Role.ADMIN)
    posted = await purse.post(Give(Pocket.COINS, 2_000, House.GRANTS, "welcome"))
    first = (await corrected(admin, posted.tx_id)).json()["id"]
    await admin.send("POST", f"/api/admin/wallet-corrections/{first}/withdraw")
    late = await second.send("POST", f"/api/admin/wallet-corrections/{first}/approve")
    again = (await corrected(admin, posted.tx_id)).json()["id"]
    await purse.post(STAKE)

    spent = await second.send("POST", f"/api/admin/wallet-corrections/{again}/approve")

    assert late.json()["code"] == "correction_settled"
    assert spent.json()["code"] == "insufficient_funds"
    assert await purse.holds() == {Pocket.COINS: 1_900}
    assert [verb for verb, _ in await deeds(house)] == [
        "propose_correction",
        "withdraw_correction",
        "propose_correction",
    ]


async def test_staff_see_what_the_last_check_of_the_ledger_found(house: people.House, purse: Purse) -> None:
    admin = await house.staff(Role.ADMIN)
    await purse.post(COINS)
    never = (await admin.send("GET", "/api/admin/invariants")).json()
    async with house.database.transaction() as db:
        await db.execute("UPDATE ledger_accounts SET balance = balance + 5 WHERE balance = 1000")
        made = await runs.add(db, "check_ledger", NOON)
        assert made is not None
        run = await runs.claim(db, "check_ledger", made.due_at, lease_seconds=600)
        assert run is not None
    await check(house.database, run, PAYMENT_BOOK, now=NOON, inspections=inspections())

    seen = (await admin.send("GET", "/api/admin/invariants")).json()
    metrics = (await house.http.get("/metrics")).text

    assert never["checked_at"] is None
    assert {each["broken"] for each in never["invariants"]} == {None}
    found = {each["invariant"]: each for each in seen["invariants"] if each["broken"]}
    assert found["balances"]["examples"] == ["account 56: 1005, not 1000"]
    assert set(found) == {"balances", "house"}
    assert 'casino_club_ledger_violations{invariant="balances"} 1.0' in metrics
    assert 'casino_club_ledger_violations{invariant="edges"} 0.0' in metrics
