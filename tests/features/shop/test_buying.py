"""What stands against a purchase stops it whole; what is bought once is bought once, however often it is sent."""

import asyncio
from collections import Counter as Tally
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from casino_club.features.identity.public import AgeUnproven
from casino_club.features.protection.commands import limiting, resting
from casino_club.features.protection.public import LimitReached, Vetoed
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.shop.commands.showing import window
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.offers import Place, WhyNot
from casino_club.features.shop.rules.purchases import OPEN_MAX, State
from casino_club.features.wallet.public import InsufficientFunds, Pocket
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.shop.counter import DAY, MINUTE, Counter, a_purchase_key, open_counter

WHOLE = pytest.mark.parametrize(
    ("item_id", "more", "refusal"),
    [
        ("no-such-thing", {}, refusals.ItemMissing),
        ("gems-100", {"payment_method": "gems"}, refusals.MethodRefused),
        ("gems-100", {"payment_method": "cash"}, refusals.MethodRefused),
        ("badge", {"payment_method": "card"}, refusals.MethodRefused),
        ("badge", {}, InsufficientFunds),
        ("gems-100", {"catalogue": "0" * 64}, refusals.CatalogueChanged),
        ("once", {"quantity": 2}, refusals.ItemUnavailable),
        ("last-ones", {"quantity": 4}, refusals.ItemUnavailable),
    ],
)


@WHOLE
async def test_what_is_refused_leaves_nothing_behind(
    counter: Counter, item_id: str, more: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await counter.order(item_id, **more)

    assert await traces(counter) == {"purchases": 0, "counted": 0, "stock": 0}


async def traces(counter: Counter) -> dict[str, int]:
    async with counter.database.connection() as db:
        return {
            "purchases": await db.fetchval("SELECT count(*) FROM shop_transactions"),
            "counted": await counter.counted_krw(),
            "stock": await counter.stock_taken(),
        }


async def test_gems_buy_at_once_and_in_one_transaction(counter: Counter) -> None:
    await counter.give(USER, Pocket.FREE_GEMS, 100)

    bought = await counter.buy("badge", quantity=2)

    assert (bought.state, bought.price_in_gems, bought.price_krw) == (State.SETTLED, 80, None)
    assert await counter.holds() == {"free_gems": 20}
    assert await counter.told("BUY_ITEM") == [("BUY_ITEM", '{"item_id": "badge", "quantity": 2}')]
    assert '"reward_value": 10' in (await counter.told("REWARD_GRANTED"))[0][1]
    assert counter.bank.calls == []
    assert await counter.broken() == {}


async def test_the_same_purchase_a_hundred_times_at_once_is_one(counter: Counter) -> None:
    await counter.give(USER, Pocket.FREE_GEMS, 1_000)
    key = a_purchase_key()

    bought = await asyncio.gather(*(counter.buy("badge", purchase_key=key) for _ in range(100)))
    ordered = await asyncio.gather(*(counter.order(purchase_key=a_purchase_key("one")) for _ in range(100)))

    assert len({each.id for each in bought}) == len({each.id for each in ordered}) == 1
    assert await counter.holds() == {"free_gems": 960}
    assert await counter.counted_krw() == 9_900


async def test_another_purchase_under_the_same_id_is_refused(counter: Counter) -> None:
    key = a_purchase_key()
    await counter.order(purchase_key=key)

    for item_id, quantity in (("gems-100", 2), ("once", 1)):
        with pytest.raises(refusals.PurchaseReused):
            await counter.order(item_id, purchase_key=key, quantity=quantity)


async def test_of_many_who_want_the_last_ones_so_many_get_them_as_there_are(counter: Counter) -> None:
    async def try_to_buy(user_id: int) -> str:
        try:
            await counter.order("last-ones", user_id=user_id)
        except refusals.ItemUnavailable as refused:
            return refused.why
        return "bought"

    outcomes = Tally(await asyncio.gather(*(try_to_buy(user_id) for user_id in range(101, 121))))

    assert outcomes == {"bought": 3, WhyNot.STOCK: 17}
    assert await counter.stock_taken() == 3


async def test_a_user_who_buys_in_parallel_keeps_to_their_own_bounds(counter: Counter) -> None:
    async def try_to_buy(item_id: str) -> bool:
        try:
            await counter.order(item_id)
        except refusals.ItemUnavailable:
            return False
        return True

    for item_id in ("once", "daily"):
        assert sum(await asyncio.gather(*(try_to_buy(item_id) for _ in range(10)))) == 1


async def test_a_day_ends_at_the_operators_midnight(counter: Counter) -> None:
    await counter.order("daily")
    evening = NOON.replace(hour=14, minute=59)  # 23:59 in Seoul

    with pytest.raises(refusals.ItemUnavailable):
        await counter.order("daily", now=evening)
    assert (await counter.order("daily", now=evening + MINUTE)).state is State.ORDERED


async def test_nobody_buys_more_than_they_allow_themselves(counter: Counter) -> None:
    policy, limit = counter.desk.protection, Limit(Measure.PURCHASES, Period.DAY)
    await counter.run(lambda db: limiting.set_limit(db, USER, limit, 10_000, now=NOON, policy=policy))
    await counter.order()

    with pytest.raises(LimitReached):
        await counter.order("tokens-30")
    assert await counter.counted_krw() == 9_900


async def test_who_is_excluded_buys_neither_for_money_nor_for_gems(counter: Counter) -> None:
    await counter.give(USER, Pocket.FREE_GEMS, 100)
    policy = counter.desk.protection
    await counter.run(lambda db: resting.exclude(db, USER, months=6, now=NOON, policy=policy))

    for item_id in ("gems-100", "badge"):
        with pytest.raises(Vetoed):
            await counter.order(item_id)
    assert (await traces(counter))["purchases"] == 0


async def test_nobody_keeps_stock_from_others_with_orders_that_they_do_not_pay(counter: Counter) -> None:
    for _ in range(OPEN_MAX):
        await counter.order()

    with pytest.raises(refusals.PurchasesOpen):
        await counter.order()
    assert (await counter.order(user_id=8)).state is State.ORDERED


async def test_without_a_provider_nothing_can_be_paid_for(counter: Counter) -> None:
    counter.bank.methods = ()

    with pytest.raises(refusals.PaymentsUnavailable):
        await counter.order()


async def test_what_has_ended_is_neither_shown_nor_sold(counter: Counter) -> None:
    end = NOON.replace(year=2027, month=1, day=1, hour=0)

    async def shown(now: datetime) -> set[str]:
        async with counter.database.connection() as db:
            return {offer.item.id for offer in (await window(db, counter.desk, USER, now=now)).offers}

    assert "flash" in await shown(end - MINUTE)
    assert "flash" not in await shown(end)
    with pytest.raises(refusals.ItemUnavailable, match="ended"):
        await counter.order("flash", now=end)


async def test_in_korea_nothing_that_was_paid_for_turns_into_a_stake(database: Database) -> None:
    counter = await open_counter(database, "kr")
    async with database.connection() as db:
        offers = (await window(db, counter.desk, USER, now=NOON)).offers

    with pytest.raises(refusals.ItemUnavailable):
        await counter.order("package")
    await counter.paid("gems-100")
    with pytest.raises(InsufficientFunds):
        await counter.order("spins")  # only free gems pay for what can be staked
    await counter.give(USER, Pocket.FREE_GEMS, 10)
    await counter.buy("spins")

    assert "package" not in {offer.item.id for offer in offers}
    assert [offer.item.id for offer in offers if offer.takes_free_gems_only] == ["spins"]
    assert await counter.holds() == {"paid_gems": 100, "spins": 10}


async def test_in_korea_the_ledger_itself_lets_no_paid_gems_into_what_can_be_staked(database: Database) -> None:
    counter = await open_counter(database, "kr")
    careless = replace(counter, desk=replace(counter.desk, place=Place("kr", admits_paid_stakes=True)))
    await counter.paid("gems-100")

    with pytest.raises(InsufficientFunds):
        await careless.order("spins")
    assert await counter.holds() == {"paid_gems": 100}


async def test_in_europe_gems_of_either_kind_pay_for_spins(counter: Counter) -> None:
    await counter.paid("gems-100")

    await counter.buy("spins")

    assert await counter.holds() == {"paid_gems": 90, "spins": 10}


async def test_the_shop_says_what_is_left_for_somebody_and_why_not(counter: Counter) -> None:
    await counter.order("once")
    await counter.order("last-ones", quantity=2)

    async with counter.database.connection() as db:
        offers = {offer.item.id: offer for offer in (await window(db, counter.desk, USER, now=NOON + DAY)).offers}

    assert offers["once"].why_not is WhyNot.USER
    assert (offers["last-ones"].why_not, offers["last-ones"].bought.by_all) == (None, 2)
    assert offers["badge"].real_price_krw == 3_960
    assert offers["gems-100"].real_price_krw == 9_900


async def test_money_is_taken_of_nobody_whose_age_is_not_proven_and_gems_are(counter: Counter) -> None:
    with pytest.raises(AgeUnproven):
        await counter.order(user_id=10_000)
    await counter.give(10_000, Pocket.FREE_GEMS, 50)

    assert (await counter.order("badge", user_id=10_000)).state is State.SETTLED
