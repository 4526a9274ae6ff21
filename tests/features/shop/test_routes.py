"""The shop over HTTP, with the sandbox: look, buy, be told by webhook, find it again, and give it back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from casino_club.entry.payments import payment_webhook_secret
from casino_club.features.shop.commands import publishing
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.infra.backends.payments.sandbox import SandboxPayments
from casino_club.infra.db.database import Database
from casino_club.kernel.subject import Role
from tests.builders.venues import come_of_age
from tests.features.actions.club import settings_for
from tests.features.identity.people import House, Person, open_house
from tests.infra.waiting import POLL_SECONDS

SHIPPED = shipped_catalogue()


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    more = {"payment_provider": "sandbox", "data_dir": tmp_path}
    async with open_house(database, database_url, redis_url, **more) as opened:
        await database.run(lambda db: publishing.ship(db, SHIPPED, now=datetime.now(UTC)))
        yield opened


@pytest.fixture
def provider(database_url: str, redis_url: str, tmp_path: Path) -> SandboxPayments:
    """The same as the application's, seen from outside."""
    secret = payment_webhook_secret(settings_for(database_url, redis_url))
    return SandboxPayments(tmp_path / "sandbox" / "payments.jsonl", secret)


async def a_buyer(house: House) -> Person:
    """Somebody who has proved their age."""
    person = await house.person()
    async with house.database.transaction() as db:
        await come_of_age(db, person.user_id, at=datetime.now(UTC))
    return person


def buying(item_id: str = "gems-100", method: str = "card", **more: Any) -> dict[str, Any]:
    return {"purchase_id": str(uuid4()), "item_id": item_id, "payment_method": method, **more}


async def hear(house: House, provider: SandboxPayments, *, about: str = "paid", forged: bool = False) -> int:
    """Bring a webhook about each payment; the last one's status."""
    status = 0
    for key in provider.kept():
        headers, body = provider.webhook(key, about, at=datetime.now(UTC))
        named = {name.decode(): value.decode() for name, value in headers.items()} | {
            "content-type": "application/json"
        }
        if forged:
            named["webhook-signature"] = "v1," + "A" * 43 + "="
        status = (await house.http.post("/api/webhooks/payments", content=body, headers=named)).status_code
    return status


async def settled(house: House, provider: SandboxPayments, person: Person, body: dict[str, Any]) -> dict[str, Any]:
    """Buy, and wait until the sandbox has taken the money."""
    bought = await person.send("POST", "/api/shop/buy", body)
    assert bought.status_code == 200, bought.text
    async with asyncio.timeout(30):
        while True:
            assert await hear(house, provider) == 204
            shown: dict[str, Any] = (await person.send("GET", f"/api/shop/purchases/{body['purchase_id']}")).json()
            if shown["state"] == "settled":
                return shown
            await asyncio.sleep(POLL_SECONDS)


async def gems_of(person: Person) -> int:
    wallet = (await person.send("GET", "/api/wallet")).json()
    pockets = [pocket for balance in wallet["balances"] for pocket in balance["pockets"]]
    return sum(pocket["amount"] for pocket in pockets if pocket["pocket"] == "paid_gems")


async def test_the_window_shows_prices_in_money_beside_those_in_gems(house: House) -> None:
    person = await a_buyer(house)

    shown = (await person.send("GET", "/api/shop")).json()

    offers = {offer["item_id"]: offer for offer in shown["offers"]}
    assert shown["catalogue"] == SHIPPED.digest
    assert shown["refund_days"] == 14
    assert (offers["badge-comet"]["price_in_gems"], offers["badge-comet"]["real_price_krw"]) == (50, 6_000)
    assert offers["package-welcome"]["can_buy"]
    assert "package-orchard" not in offers


async def test_a_purchase_from_the_window_to_the_refund(house: House, provider: SandboxPayments) -> None:
    person, body = await a_buyer(house), buying(catalogue=SHIPPED.digest)

    bought = await settled(house, provider, person, body)
    held = await gems_of(person)
    repeated = (await person.send("POST", "/api/shop/buy", body)).json()
    listed = (await person.send("GET", "/api/shop/purchases?limit=1")).json()
    given = await person.send("POST", f"/api/shop/purchases/{body['purchase_id']}/refund")

    assert held == 100
    assert repeated["settled_at"] == bought["settled_at"]
    assert [each["purchase_id"] for each in listed["purchases"]] == [body["purchase_id"]]
    assert (given.status_code, given.json()["state"], given.json()["refunded_krw"]) == (200, "refunded", 9_900)
    assert await gems_of(person) == 0
    assert (await house.logged(person.user_id))[-2:] == ["PURCHASE", "PURCHASE_REFUNDED"]


async def test_webhooks_that_come_again_and_forged_ones_change_nothing(house: House, provider: SandboxPayments) -> None:
    person, body = await a_buyer(house), buying()
    assert (await person.send("POST", "/api/shop/buy", body)).json()["state"] == "pending"

    assert await hear(house, provider, forged=True) == 403
    await settled(house, provider, person, body)
    for about in ("paid", "pending", "refunded-9900", "paid"):
        assert await hear(house, provider, about=about) == 204

    assert await gems_of(person) == 100
    assert (await house.logged(person.user_id)).count("PURCHASE") == 1


async def test_a_webhook_of_a_payment_that_nobody_knows_is_taken_and_moves_nothing(
    house: House, provider: SandboxPayments
) -> None:
    headers, body = provider.webhook(uuid4(), "paid", at=datetime.now(UTC))
    named = {name.decode(): value.decode() for name, value in headers.items()} | {"content-type": "application/json"}

    answer = await house.http.post("/api/webhooks/payments", content=body, headers=named)

    assert answer.status_code == 204


async def test_nobody_sees_what_another_has_bought(house: House) -> None:
    owner, other, body = await a_buyer(house), await a_buyer(house), buying()
    await owner.send("POST", "/api/shop/buy", body)

    for path in ("", "/refund"):
        answer = await other.send("POST" if path else "GET", f"/api/shop/purchases/{body['purchase_id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "purchase_missing")
    assert (await other.send("GET", "/api/shop/purchases")).json()["purchases"] == []


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"quantity": 0}, 422),
        ({"quantity": -1}, 422),
        ({"quantity": 1.5}, 422),
        ({"quantity": 101}, 422),
        ({"quantity": 10**30}, 422),
        ({"item_id": "no-such"}, 404),
        ({"payment_method": "shells"}, 422),
        ({"purchase_id": "mine"}, 422),
        ({"price": 1}, 422),
    ],
)
async def test_bad_purchases_are_refused(house: House, wrong: dict[str, Any], status: int) -> None:
    person = await a_buyer(house)

    answer = await person.send("POST", "/api/shop/buy", {**buying(), **wrong})

    assert answer.status_code == status, answer.text
    assert (await person.send("GET", "/api/shop/purchases")).json()["purchases"] == []


async def test_without_a_provider_the_shop_says_so(database: Database, database_url: str, redis_url: str) -> None:
    async with open_house(database, database_url, redis_url) as house:
        person = await a_buyer(house)
        empty = await person.send("GET", "/api/shop")
        await database.run(lambda db: publishing.ship(db, SHIPPED, now=datetime.now(UTC)))
        refused = await person.send("POST", "/api/shop/buy", buying())
        hook = await house.http.post("/api/webhooks/payments", json={})

    assert (empty.status_code, empty.json()["code"]) == (404, "catalogue_missing")
    assert (refused.status_code, refused.json()["code"]) == (503, "payments_unavailable")
    assert (hook.status_code, hook.json()["code"]) == (403, "webhook_forged")


async def test_staff_preview_approve_look_and_refund(house: House, provider: SandboxPayments) -> None:
    seller, admin, person = await house.staff(Role.MARKETER), await house.staff(Role.ADMIN), await a_buyer(house)
    sale = {
        "id": "gems-night",
        "title": {"en": "Night gems", "ko": "밤의 젬"},
        "price": {"krw": 2_000},
        "goods": {"paid_gems": 30},
        "ends": (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    top_up = {"id": "gems-1", "title": sale["title"], "price": {"krw": 150}, "goods": {"paid_gems": 1}}
    catalogue = {"format": "casino-club/catalogue/1", "items": [sale, top_up]}

    draft = await seller.send("POST", "/api/admin/shop/versions", {"catalogue": catalogue})
    wrong = await seller.send("POST", "/api/admin/shop/versions", {"catalogue": {**catalogue, "items": []}})
    version = draft.json()["version"]["id"]
    for each in (seller, admin):
        assert (await each.send("POST", f"/api/admin/shop/versions/{version}/approve")).status_code == 200
    bought = await settled(house, provider, person, buying("gems-night"))
    found = (await admin.send("GET", f"/api/admin/shop/purchases?user_id={person.user_id}")).json()["purchases"]
    path = f"/api/admin/shop/purchases/{found[0]['id']}/refund"
    refunded = await admin.send("POST", path, {"because": "they asked"})

    assert (draft.status_code, wrong.json()["code"]) == (201, "invalid_catalogue")
    assert [item["real_price_krw"] for item in draft.json()["items"]] == [2_000, 150]
    assert found[0]["purchase"]["purchase_id"] == bought["purchase_id"]
    assert refunded.json()["purchase"]["state"] == "refunded"
    assert await gems_of(person) == 0
    assert (await seller.send("POST", path, {"because": "they asked"})).json()["code"] == "role_missing"
