"""What a table of odds holds, in three kinds: prizes (with or without pity), wagers on one wheel, and slots."""

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from casino_club.kernel.money import Currency

FORMAT: Final = "casino-club/odds-table/1"
WEIGHT_MAX: Final = 1_000_000_000
AMOUNT_MAX: Final = 1_000_000_000
STATES_MAX: Final = 200
ITEMS_MAX: Final = 200
STOPS_MAX: Final = 200

NAME: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Meta(pattern=NAME, max_length=40)]
Text = Annotated[str, Meta(min_length=1, max_length=100)]
Weight = Annotated[int, Meta(ge=0, le=WEIGHT_MAX)]
Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
Some = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a table. Unknown fields are refused: nobody would have approved what they mean."""


class PrizeKind(StrEnum):
    """What may be won where nothing is staked."""

    NOTHING = "NOTHING"
    COIN = "COIN"
    GEM = "GEM"
    CYBER_TOKEN = "CYBER_TOKEN"  # noqa: S105 - a currency
    CONTENT_UNLOCK = "CONTENT_UNLOCK"
    XP = "XP"
    BADGE = "BADGE"
    FREE_SPIN = "FREE_SPIN"
    COUPON = "COUPON"


class Title(Shape, frozen=True):
    """The product's name as people read it."""

    en: Text
    ko: Text


class Price(Shape, frozen=True):
    """What one draw costs; 0 where draws are given."""

    currency: Currency
    amount: Amount


class Prize(Shape, frozen=True):
    """What is won. The amount of a CONTENT_UNLOCK is the stage; the reference says which badge or coupon."""

    kind: PrizeKind
    amount: Amount
    reference: Name = ""


class Item(Shape, frozen=True):
    """One thing that can be drawn."""

    id: Name
    tier: Name
    prize: Prize


class Phase(Shape, frozen=True):
    """So many draws in a row with the same weights, one per item. The last phase lasts."""

    draws: Annotated[int, Meta(ge=1, le=STATES_MAX)]
    weights: Annotated[tuple[Weight, ...], Meta(max_length=ITEMS_MAX)]


class Cell(Shape, frozen=True):
    """Weights of a situation that whoever draws has to name, one per item."""

    id: Name
    weights: Annotated[tuple[Weight, ...], Meta(max_length=ITEMS_MAX)]


Items = Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_MAX)]


class Prizes(Shape, frozen=True, tag_field="kind", tag="prizes"):
    """A gacha. The state counts draws since one of the tiers in `resets` came, and picks the phase."""

    format: Literal["casino-club/odds-table/1"]
    product: Name
    title: Title
    price: Price
    items: Items
    phases: Annotated[tuple[Phase, ...], Meta(min_length=1, max_length=20)]
    resets: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()


class Cells(Shape, frozen=True, tag_field="kind", tag="cells"):
    """A draw whose weights follow from a situation, such as a bonus. The state is the cell's place in the list."""

    format: Literal["casino-club/odds-table/1"]
    product: Name
    title: Title
    price: Price
    items: Items
    cells: Annotated[tuple[Cell, ...], Meta(min_length=1, max_length=2_000)]


class Stake(Shape, frozen=True):
    """What may be staked. A stake is a multiple of `step`, and tables say what one step pays: nothing is rounded."""

    currencies: Annotated[tuple[Currency, ...], Meta(min_length=1, max_length=3)]
    min: Some
    max: Some
    step: Some


class Place(Shape, frozen=True):
    """A pocket of the wheel, or a move of an opponent."""

    id: Name
    weight: Weight


class Win(Shape, frozen=True):
    """What one step of the stake pays, the stake included, when one of these places comes."""

    on: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=ITEMS_MAX)]
    pays: Some


class BetRule(Shape, frozen=True):
    """Something that can be bet on."""

    id: Name
    wins: Annotated[tuple[Win, ...], Meta(min_length=1, max_length=10)]


class Wager(Shape, frozen=True, tag_field="kind", tag="wager"):
    """Bets on where one wheel stops: roulette, or a hidden move."""

    format: Literal["casino-club/odds-table/1"]
    product: Name
    title: Title
    stake: Stake
    places: Annotated[tuple[Place, ...], Meta(min_length=1, max_length=ITEMS_MAX)]
    bets: Annotated[tuple[BetRule, ...], Meta(min_length=1, max_length=500)]


class Stop(Shape, frozen=True):
    """One stop of a reel, with the symbol in the window's first row when it comes there."""

    symbol: Name
    weight: Weight


class LinePay(Shape, frozen=True):
    """What one step of the stake pays for a line that begins with so many of a symbol."""

    symbol: Name
    count: Annotated[int, Meta(ge=1, le=5)]
    pays: Some


class Slot(Shape, frozen=True, tag_field="kind", tag="slot"):
    """Reels that stop on their own. Every line pays its best entry, and the stake covers all lines."""

    format: Literal["casino-club/odds-table/1"]
    product: Name
    title: Title
    stake: Stake
    rows: Annotated[int, Meta(ge=1, le=5)]
    reels: Annotated[
        tuple[Annotated[tuple[Stop, ...], Meta(min_length=1, max_length=STOPS_MAX)], ...],
        Meta(min_length=1, max_length=5),
    ]
    lines: Annotated[
        tuple[Annotated[tuple[Annotated[int, Meta(ge=0, le=4)], ...], Meta(max_length=5)], ...],
        Meta(min_length=1, max_length=20),
    ]
    pays: Annotated[tuple[LinePay, ...], Meta(min_length=1, max_length=100)]
    wild: Name = ""


AnyShape = Prizes | Cells | Wager | Slot
