"""What a catalogue may say, what it means for whoever wants to buy, and that its deadlines are true."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from casino_club.features.shop.rules.catalogue import Catalogue, catalogue_of, draft_catalogue, read_catalogue
from casino_club.features.shop.rules.deadlines import KEPT_AWAY, check_deadlines
from casino_club.features.shop.rules.offers import (
    Bought,
    Place,
    WhyNot,
    real_price_krw,
    takes_free_gems_only,
    why_not,
)
from casino_club.features.shop.rules.refusals import InvalidCatalogue, SaleRepeated
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.kernel.canonical import NotCanonical
from tests.builders.actions import NOON

KOREA, EUROPE = Place("kr", admits_paid_stakes=False), Place("eu", admits_paid_stakes=True)
SPINS = {"kind": "FREE_SPIN", "amount": 10, "reference": "slot-orchard"}
TOP_UP = {"id": "gems-100", "price": {"krw": 9_900}, "goods": {"paid_gems": 100}}
HOUR = timedelta(hours=1)


def an_item(**more: Any) -> dict[str, Any]:
    return {"title": {"en": "Thing", "ko": "물건"}, **TOP_UP, **more}


def a_catalogue(*items: dict[str, Any]) -> Catalogue:
    return catalogue_of({"format": "casino-club/catalogue/1", "items": [an_item(**item) for item in items or ({},)]})


def told(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_sale(name: str = "flash", **more: Any) -> dict[str, Any]:
    return {"id": name, "price": {"krw": 5_000}, "goods": {"paid_gems": 90}, "ends": told(NOON), **more}


def test_the_shipped_catalogue_holds_together_and_is_known_by_its_text() -> None:
    shipped = shipped_catalogue()

    again = draft_catalogue(json.dumps(json.loads(shipped.text), indent=2).encode())

    assert again.digest == shipped.digest == read_catalogue(shipped.text).digest
    assert {item.id for item in shipped.items} >= {"gems-100", "package-orchard", "spins-5", "tokens-300"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": {}},
        {"price": {"krw": 1, "gems": 1}},
        {"price": {"krw": 0}},
        {"price": {"krw": -5}},
        {"goods": {}},
        {"goods": {"paid_gems": -1}},
        {"goods": {"paid_gems": 10}, "price": {"gems": 5}},
        {"goods": {"cash_tokens": 10}, "price": {"gems": 5}},
        {"goods": {"extras": [{"kind": "BADGE", "amount": 1}]}},
        {"goods": {"extras": [{"kind": "BADGE", "amount": 2, "reference": "star"}]}},
        {"goods": {"extras": [{"kind": "COIN", "amount": 2, "reference": "star"}]}},
        {"goods": {"extras": [SPINS | {"amount": 101}]}},
        {"goods": {"extras": [{"kind": "CYBER_TOKEN", "amount": 2}]}},
        {"begins": told(NOON), "ends": told(NOON)},
        {"ends": "2026-11-20T12:00:00"},
        {"day_max": 0},
        {"stock": 0},
        {"markets": ["kr", "kr"]},
        {"colour": "red"},
    ],
)
def test_what_can_not_be_sold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidCatalogue, NotCanonical)):
        a_catalogue(wrong)


def test_a_thing_is_listed_once() -> None:
    with pytest.raises(InvalidCatalogue, match="2 times"):
        a_catalogue({}, {})


def test_prices_in_gems_need_a_top_up_that_is_always_there() -> None:
    badge = {"id": "badge", "price": {"gems": 5}, "goods": {"extras": [{"kind": "XP", "amount": 1}]}}

    with pytest.raises(InvalidCatalogue, match="top-up"):
        a_catalogue(badge, {"user_max": 1})
    assert a_catalogue(badge, {}).items


def test_the_real_price_is_that_of_the_dearest_top_up_and_never_too_low() -> None:
    small = {"id": "gems-7", "price": {"krw": 1_000}, "goods": {"paid_gems": 7}}
    dear_but_short = a_sale(price={"krw": 99_999}, goods={"paid_gems": 1})
    catalogue = a_catalogue({}, small, dear_but_short)

    assert real_price_krw(7, catalogue) == 1_000
    assert real_price_krw(5, catalogue) == 715  # 714.28…
    assert real_price_krw(5, a_catalogue(a_sale())) is None


def test_the_end_is_the_first_instant_without_it() -> None:
    item = a_catalogue(a_sale(begins=told(NOON - HOUR))).items[0]
    last = NOON - timedelta(microseconds=1)

    assert why_not(item, 1, Bought(), KOREA, now=NOON - 2 * HOUR) is WhyNot.NOT_YET
    assert why_not(item, 1, Bought(), KOREA, now=NOON - HOUR) is None
    assert why_not(item, 1, Bought(), KOREA, now=last) is None
    assert why_not(item, 1, Bought(), KOREA, now=NOON) is WhyNot.ENDED


@pytest.mark.parametrize(
    ("bounds", "bought", "expected"),
    [
        ({"day_max": 3}, Bought(today=1, ever=9), None),
        ({"day_max": 3}, Bought(today=2, ever=9), WhyNot.DAY),
        ({"user_max": 3}, Bought(ever=2), WhyNot.USER),
        ({"stock": 3}, Bought(by_all=1), None),
        ({"stock": 3}, Bought(by_all=2), WhyNot.STOCK),
    ],
)
def test_bounds_hold_for_all_that_is_bought_at_once(
    bounds: dict[str, int], bought: Bought, expected: WhyNot | None
) -> None:
    item = a_catalogue(bounds).items[0]

    assert why_not(item, 2, bought, KOREA, now=NOON) is expected


def test_money_buys_no_stakes_where_nothing_paid_for_may_be_staked() -> None:
    package = a_catalogue({"goods": {"paid_gems": 100, "extras": [SPINS]}}).items[0]
    unnamed = a_catalogue({"goods": {"paid_gems": 100, "extras": [SPINS | {"reference": ""}]}}).items[0]
    coins = a_catalogue({"goods": {"extras": [{"kind": "COIN", "amount": 500}]}}).items[0]
    experience = a_catalogue({"goods": {"paid_gems": 9, "extras": [{"kind": "XP", "amount": 5}]}}).items[0]

    coupon = a_catalogue({"goods": {"extras": [{"kind": "COUPON", "amount": 5, "reference": "more"}]}}).items[0]
    free_gems = a_catalogue({"goods": {"paid_gems": 100, "extras": [{"kind": "GEM", "amount": 10}]}}).items[0]

    for item in (package, unnamed, coins, coupon, free_gems):
        assert why_not(item, 1, Bought(), KOREA, now=NOON) is WhyNot.MARKET
        assert why_not(item, 1, Bought(), EUROPE, now=NOON) is None
    assert why_not(experience, 1, Bought(), KOREA, now=NOON) is None


def test_gems_that_were_paid_for_buy_no_stakes_either() -> None:
    spins, badge = shipped_catalogue().by_id["spins-5"], shipped_catalogue().by_id["badge-comet"]

    assert takes_free_gems_only(spins, KOREA)
    assert not takes_free_gems_only(spins, EUROPE)
    swapped = {"id": "swap", "price": {"gems": 5}, "goods": {"extras": [{"kind": "GEM", "amount": 5}]}}
    assert takes_free_gems_only(a_catalogue({}, swapped).by_id["swap"], KOREA)
    assert not takes_free_gems_only(badge, KOREA)


def test_an_item_of_other_markets_is_not_sold() -> None:
    item = a_catalogue({"markets": ["us"]}).items[0]

    assert why_not(item, 1, Bought(), EUROPE, now=NOON) is WhyNot.MARKET


@pytest.mark.parametrize(
    "item",
    [
        a_sale(ends=told(NOON + HOUR)),
        {k: v for k, v in a_sale().items() if k != "ends"},
        a_sale(ends=told(NOON + HOUR), price={"krw": 9_999}),
        a_sale("flash-2", ends=told(NOON + 2 * HOUR)),
        a_sale("flash-2", ends=told(NOON + 2 * HOUR), price={"krw": 4_000}),
    ],
)
def test_what_was_said_to_end_is_not_offered_again(item: dict[str, Any]) -> None:
    with pytest.raises(SaleRepeated):
        check_deadlines(a_catalogue(item), [a_catalogue(a_sale())], live_at=NOON + HOUR)


def test_what_ends_sooner_differs_or_comes_much_later_is_no_repeat() -> None:
    published = [a_catalogue(a_sale())]
    much_later = NOON + KEPT_AWAY

    check_deadlines(a_catalogue(a_sale(ends=told(NOON - HOUR))), published, live_at=NOON - 2 * HOUR)
    check_deadlines(
        a_catalogue(a_sale("dearer", ends=told(NOON + HOUR), price={"krw": 6_000})), published, live_at=NOON
    )
    check_deadlines(a_catalogue(a_sale("flash-2", ends=told(much_later + HOUR))), published, live_at=much_later)
