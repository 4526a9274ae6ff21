"""A catalogue: what is for sale, as one canonical text whose digest is its id. Published whole, never altered."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from casino_club.features.shop.rules.refusals import InvalidCatalogue
from casino_club.kernel.canonical import canonical_text, digest_of, read_canonical, read_json

FORMAT: Final = "casino-club/catalogue/1"
AMOUNT_MAX: Final = 1_000_000_000
PRICE_KRW_MAX: Final = 10_000_000
QUANTITY_MAX: Final = 100
ITEMS_MAX: Final = 500
SPINS_MAX: Final = 100
"""So many free spins of one purchase can still be looked at one by one."""

NAME: Final = r"^[a-z0-9]+(-[a-z0-9]+)*(?!\n)$"
Name = Annotated[str, Meta(pattern=NAME, min_length=1, max_length=40)]
Reference = Annotated[str, Meta(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?(?!\n)$", max_length=40)]
Text = Annotated[str, Meta(min_length=1, max_length=100)]
Count = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
Some = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
Instant = Annotated[datetime, Meta(tz=True)]


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a catalogue. Unknown fields are refused: nobody would have approved what they mean."""


class ExtraKind(StrEnum):
    """What comes as a reward: named as `rewards` names it."""

    COIN = "COIN"
    GEM = "GEM"
    XP = "XP"
    BADGE = "BADGE"
    FREE_SPIN = "FREE_SPIN"
    COUPON = "COUPON"


NAMED: Final = frozenset((ExtraKind.BADGE, ExtraKind.COUPON))
MAY_BE_NAMED: Final = NAMED | {ExtraKind.FREE_SPIN}
NO_STAKES: Final = frozenset((ExtraKind.XP, ExtraKind.BADGE))
"""What can't be staked, and buys nothing that can. A kind that is added is not here until somebody puts it here."""


class Title(Shape, frozen=True):
    """The item's name as people read it."""

    en: Text
    ko: Text


class Price(Shape, frozen=True):
    """What one costs: money, or gems."""

    krw: Annotated[int, Meta(ge=1, le=PRICE_KRW_MAX)] | None = None
    gems: Some | None = None


class Extra(Shape, frozen=True):
    """A reward that comes with it. The reference names a badge, a coupon, or the product that spins are for."""

    kind: ExtraKind
    amount: Some
    reference: Reference = ""

    @property
    def leads_to_stakes(self) -> bool:
        """Whether it can be staked, or turn into what can. Gems that come so are free gems."""
        return self.kind not in NO_STAKES


class Goods(Shape, frozen=True):
    """What whoever buys it has then. Paid gems and cash tokens are lots of their own, which a refund takes back."""

    paid_gems: Count = 0
    cash_tokens: Count = 0
    extras: Annotated[tuple[Extra, ...], Meta(max_length=10)] = ()

    @property
    def lead_to_stakes(self) -> bool:
        """Gems and tokens of money are left out: the ledger itself knows where they may go."""
        return any(each.leads_to_stakes for each in self.extras)


class Item(Shape, frozen=True):
    """One thing for sale. What it lacks does not bind: no times, no limits, no stock, every market."""

    id: Name
    title: Title
    price: Price
    goods: Goods
    begins: Instant | None = None
    ends: Instant | None = None
    """The first instant at which it is not for sale any more. It comes back no more after that."""
    day_max: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)] | None = None
    """So many a user may buy on one of the operator's days."""
    user_max: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)] | None = None
    """So many a user may ever buy."""
    stock: Some | None = None
    """So many there are for everybody together, counted from the first catalogue that bounds them."""
    markets: Annotated[tuple[Name, ...], Meta(max_length=10)] = ()

    @property
    def is_top_up(self) -> bool:
        """Whether it is gems for money and nothing else."""
        goods = self.goods
        return self.price.krw is not None and goods.paid_gems > 0 and not goods.cash_tokens and not goods.extras

    @property
    def is_always_there(self) -> bool:
        bounds = (self.begins, self.ends, self.day_max, self.user_max, self.stock)
        return not self.markets and all(bound is None for bound in bounds)


class CatalogueShape(Shape, frozen=True):
    """All that is for sale at one time."""

    format: Literal["casino-club/catalogue/1"]
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_MAX)]


@dataclass(frozen=True)
class Catalogue:
    """A catalogue that holds together."""

    digest: str
    text: str
    items: tuple[Item, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        return {item.id: item for item in self.items}


def draft_catalogue(text: bytes) -> Catalogue:
    """The catalogue of a JSON text in any layout. Raises `NotCanonical` or `InvalidCatalogue`, with what to mend."""
    return catalogue_of(read_json(text))


def read_catalogue(text: str) -> Catalogue:
    """The catalogue of a text that is canonical. Raises as `draft_catalogue`."""
    return catalogue_of(read_canonical(text))


def catalogue_of(value: Any) -> Catalogue:
    """The catalogue of a value as JSON gives it. Raises `NotCanonical` or `InvalidCatalogue`."""
    text = canonical_text(value)
    try:
        shape = msgspec.convert(value, CatalogueShape)
    except msgspec.ValidationError as wrong:
        raise InvalidCatalogue(f"This is no catalogue: {wrong}.") from None
    for why in _faults(shape):
        raise InvalidCatalogue(why)
    return Catalogue(digest_of(text), text, shape.items)


def _faults(shape: CatalogueShape) -> Iterator[str]:
    for name, times in Counter(item.id for item in shape.items).items():
        if times > 1:
            yield f"{name} is listed {times} times."
    for item in shape.items:
        for is_wrong, why in _faults_of(item):
            if is_wrong:
                yield f"{item.id}: {why}"
    costs_gems = any(item.price.gems for item in shape.items)
    if costs_gems and not any(item.is_top_up and item.is_always_there for item in shape.items):
        yield "Something costs gems, so sell a top-up of gems without any bounds: real prices are told by it."


def _faults_of(item: Item) -> Iterator[tuple[bool, str]]:
    goods, price = item.goods, item.price
    yield (price.krw is None) == (price.gems is None), "name a price in krw or in gems, and not in both."
    yield not (goods.paid_gems or goods.cash_tokens or goods.extras), "it gives nothing."
    of_money = goods.paid_gems or goods.cash_tokens
    yield bool(price.gems and of_money), "paid gems and cash tokens are for money only."
    yield bool(item.begins and item.ends and item.begins >= item.ends), "it ends before it begins."
    yield len(set(item.markets)) < len(item.markets), "a market is named twice."
    for extra in goods.extras:
        yield from _faults_of_extra(extra)


def _faults_of_extra(extra: Extra) -> Iterator[tuple[bool, str]]:
    kind, name = extra.kind, extra.reference
    yield kind in NAMED and not name, f"say which {kind.lower()} it is."
    yield bool(name) and kind not in MAY_BE_NAMED, f"{kind} has no reference."
    yield kind is ExtraKind.BADGE and extra.amount != 1, "a badge is given once: its amount is 1."
    yield kind is ExtraKind.FREE_SPIN and extra.amount > SPINS_MAX, f"give {SPINS_MAX} free spins at most."
