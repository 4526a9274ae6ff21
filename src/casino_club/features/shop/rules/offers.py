"""What a user may buy now, and why not; and what gems cost in money."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from casino_club.features.shop.rules.catalogue import Catalogue, Item


class WhyNot(StrEnum):
    """What keeps a user from buying an item."""

    NOT_YET = "not_yet"
    ENDED = "ended"
    MARKET = "market"
    """This market does not sell it, or lets nothing that was paid for enter what it gives."""
    DAY = "day_max"
    USER = "user_max"
    STOCK = "stock"


SENTENCES: Final = {
    WhyNot.NOT_YET: "This is not for sale yet.",
    WhyNot.ENDED: "This offer has ended.",
    WhyNot.MARKET: "This is not sold here.",
    WhyNot.DAY: "You can buy no more of this today.",
    WhyNot.USER: "You have bought as many of this as one may.",
    WhyNot.STOCK: "There are not so many left.",
}
"""What people are told."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is sold: the market's name, and whether what was paid for may enter its games of stakes."""

    market: str
    admits_paid_stakes: bool


@dataclass(frozen=True, slots=True)
class Bought:
    """How many of an item this user has bought, and everybody. Purchases that came to nothing don't count."""

    today: int = 0
    ever: int = 0
    by_all: int = 0


def why_not(item: Item, quantity: int, bought: Bought, place: Place, *, now: datetime) -> WhyNot | None:
    """What speaks against this purchase, if anything does; what lasts longest is told first."""
    against = {
        WhyNot.MARKET: not is_sold_at(item, place),
        WhyNot.ENDED: item.ends is not None and now >= item.ends,
        WhyNot.STOCK: _is_over(item.stock, bought.by_all + quantity),
        WhyNot.USER: _is_over(item.user_max, bought.ever + quantity),
        WhyNot.DAY: _is_over(item.day_max, bought.today + quantity),
        WhyNot.NOT_YET: item.begins is not None and now < item.begins,
    }
    return next((why for why, holds in against.items() if holds), None)


def _is_over(bound: int | None, wanted: int) -> bool:
    return bound is not None and wanted > bound


def is_sold_at(item: Item, place: Place) -> bool:
    """Money buys nothing that leads to stakes where a market keeps what was paid for out of games of stakes."""
    is_named = not item.markets or place.market in item.markets
    leads_to_stakes = item.price.krw is not None and item.goods.lead_to_stakes
    return is_named and (place.admits_paid_stakes or not leads_to_stakes)


def takes_free_gems_only(item: Item, place: Place) -> bool:
    """Whether gems that were paid for may not pay: else they would find a way to the stakes by what they buy."""
    return item.price.gems is not None and item.goods.lead_to_stakes and not place.admits_paid_stakes


def real_price_krw(gems: int, catalogue: Catalogue) -> int | None:
    """What so many gems cost in money at the dearest top-up that is always there, rounded up: nobody pays more.

    None in a catalogue that sells no gems at all times; it has no prices in gems either.
    """
    return max((_krw_of(gems, item) for item in _top_ups(catalogue.items)), default=None)


def _top_ups(items: Iterable[Item]) -> Iterable[Item]:
    return (item for item in items if item.is_top_up and item.is_always_there)


def _krw_of(gems: int, top_up: Item) -> int:
    assert top_up.price.krw is not None
    return -(-gems * top_up.price.krw // top_up.goods.paid_gems)
