"""A table of odds: its canonical text, whose digest is its id, and what is read from it. Never altered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import msgspec

from casino_club.features.odds.rules.refusals import InvalidTable
from casino_club.features.odds.rules.shapes import (
    STATES_MAX,
    WEIGHT_MAX,
    AnyShape,
    Cells,
    Prize,
    PrizeKind,
    Prizes,
    Slot,
    Stake,
    Wager,
)
from casino_club.features.odds.rules.wheels import Wheel, wheel_of
from casino_club.kernel.canonical import canonical_text, digest_of, read_canonical, read_json

SPIN: Final = "spin"
"""The one bet of a slot: the stake covers all lines."""
COMBINATIONS_MAX: Final = 250_000
"""So many stops of all reels together are still enumerated within a second."""
RATES_MAX: Final = 20_000
CONTENT_STAGES: Final = 3
NAMED: Final = (PrizeKind.BADGE, PrizeKind.COUPON)


@dataclass(frozen=True, slots=True, eq=False)
class OddsTable:
    """A table that holds together."""

    digest: str
    text: str
    shape: AnyShape
    wheels: tuple[tuple[Wheel, ...], ...]
    """Those of each state."""
    wins: Mapping[str, Mapping[str, int]]
    """What each bet of a wager pays on each place, for one step of the stake. A slot has the one bet."""

    @property
    def product(self) -> str:
        return self.shape.product

    @property
    def states(self) -> int:
        """How many states a user can be in; 1 where draws have no memory."""
        return len(self.wheels)

    @property
    def is_stateful(self) -> bool:
        return isinstance(self.shape, Prizes) and self.states > 1

    @property
    def holds_content(self) -> bool:
        """Whether it may give content, for which age comes first."""
        shape = self.shape
        return isinstance(shape, Prizes | Cells) and any(item.prize.kind == "CONTENT_UNLOCK" for item in shape.items)


def table_of(value: Any) -> OddsTable:
    """The table of a value as JSON gives it. Raises `NotCanonical` or `InvalidTable`, with what to mend."""
    text = canonical_text(value)
    try:
        shape: AnyShape = msgspec.convert(value, AnyShape)
    except msgspec.ValidationError as wrong:
        raise InvalidTable(f"The table is not valid: {wrong}.") from None
    for why in _faults(shape):
        raise InvalidTable(f"The table is not valid: {why}.")
    return OddsTable(digest_of(text), text, shape, tuple(_wheels(shape)), _wins(shape))


def draft_table(text: str | bytes) -> OddsTable:
    """The table of a JSON text in any layout. What nobody could be given may not be drawn either."""
    table = table_of(read_json(text))
    if isinstance(table.shape, Prizes | Cells):
        for item in table.shape.items:
            for why in _prize_faults(item.prize):
                raise InvalidTable(f"The table is not valid: item {item.id} {why}.")
    return table


def read_table(text: str) -> OddsTable:
    """The table of a canonical text."""
    return table_of(read_canonical(text))


def _prize_faults(prize: Prize) -> Iterator[str]:
    kind = prize.kind
    if kind is not PrizeKind.NOTHING and not prize.amount:
        yield f"gives 0 of {kind}"
    if kind is PrizeKind.CONTENT_UNLOCK and prize.amount > CONTENT_STAGES:
        yield f"gives content of a stage above {CONTENT_STAGES}"
    if kind is PrizeKind.BADGE and prize.amount > 1:
        yield "gives a badge more than once"
    if kind in NAMED and not prize.reference:
        yield f"does not say which {kind.lower()} it gives"
    if prize.reference and kind not in (*NAMED, PrizeKind.FREE_SPIN):
        yield f"gives a {kind}, which has no reference"


def _wheels(shape: AnyShape) -> Iterator[tuple[Wheel, ...]]:
    match shape:
        case Prizes():
            for phase in shape.phases:
                yield from [(wheel_of(phase.weights),)] * phase.draws
        case Cells():
            yield from ((wheel_of(cell.weights),) for cell in shape.cells)
        case Wager():
            yield (wheel_of([place.weight for place in shape.places]),)
        case Slot():
            yield tuple(wheel_of([stop.weight for stop in reel]) for reel in shape.reels)


def _wins(shape: AnyShape) -> Mapping[str, Mapping[str, int]]:
    if isinstance(shape, Wager):
        return {bet.id: {place: win.pays for win in bet.wins for place in win.on} for bet in shape.bets}
    return {SPIN: {}} if isinstance(shape, Slot) else {}


def _faults(shape: AnyShape) -> Iterator[str]:
    match shape:
        case Prizes():
            yield from _prizes_faults(shape)
        case Cells():
            yield from _repeated("item", (item.id for item in shape.items))
            yield from _repeated("cell", (cell.id for cell in shape.cells))
            if len(shape.cells) * len(shape.items) > RATES_MAX:
                yield f"its cells have more than {RATES_MAX} weights"
            for cell in shape.cells:
                yield from _weight_faults(f"cell {cell.id}", cell.weights, len(shape.items))
        case Wager():
            yield from _stake_faults(shape.stake)
            yield from _wager_faults(shape)
        case Slot():
            yield from _stake_faults(shape.stake)
            yield from _slot_faults(shape)


def _weight_faults(where: str, weights: tuple[int, ...], expected: int) -> Iterator[str]:
    if len(weights) != expected:
        yield f"{where} has {len(weights)} weights for {expected} places"
    elif not 0 < sum(weights) <= WEIGHT_MAX:
        yield f"the weights of {where} add up to {sum(weights)}, not to 1 … {WEIGHT_MAX}"


def _repeated(what: str, ids: Iterable[str]) -> Iterator[str]:
    yield from (f"{what} {each} stands twice" for each, times in Counter(ids).items() if times > 1)


def _prizes_faults(shape: Prizes) -> Iterator[str]:
    yield from _repeated("item", (item.id for item in shape.items))
    yield from _repeated("tier", shape.resets)
    for number, phase in enumerate(shape.phases, 1):
        yield from _weight_faults(f"phase {number}", phase.weights, len(shape.items))
    for tier in set(shape.resets) - {item.tier for item in shape.items}:
        yield f"no item is of the tier {tier}, which resets"
    draws = sum(phase.draws for phase in shape.phases)
    if draws > STATES_MAX:
        yield f"its phases are {draws} draws long, more than {STATES_MAX}"
    if draws > 1 and not shape.resets:
        yield "several states need a tier that resets"


def _stake_faults(stake: Stake) -> Iterator[str]:
    yield from _repeated("currency", stake.currencies)
    if stake.min > stake.max:
        yield "the least stake is above the greatest"
    if stake.min % stake.step or stake.max % stake.step:
        yield f"stakes from {stake.min} to {stake.max} are no multiples of the step {stake.step}"


def _wager_faults(shape: Wager) -> Iterator[str]:
    yield from _weight_faults("the wheel", tuple(place.weight for place in shape.places), len(shape.places))
    yield from _repeated("place", (place.id for place in shape.places))
    yield from _repeated("bet", (bet.id for bet in shape.bets))
    places = {place.id for place in shape.places}
    for bet in shape.bets:
        covered = [each for win in bet.wins for each in win.on]
        yield from (f"bet {bet.id}: {fault}" for fault in _repeated("place", covered))
        yield from (f"bet {bet.id}: there is no place {each}" for each in covered if each not in places)


def _slot_faults(shape: Slot) -> Iterator[str]:
    reels = len(shape.reels)
    for number, reel in enumerate(shape.reels, 1):
        yield from _weight_faults(f"reel {number}", tuple(stop.weight for stop in reel), len(reel))
        if len(reel) < shape.rows:
            yield f"reel {number} has fewer stops than the window has rows"
    if prod(len(reel) for reel in shape.reels) > COMBINATIONS_MAX:
        yield f"its reels have more than {COMBINATIONS_MAX} combinations of stops"
    for line in shape.lines:
        if len(line) != reels or any(row >= shape.rows for row in line):
            yield f"line {list(line)} does not name a row of the window for each reel"
    yield from _repeated("line", map(str, shape.lines))
    yield from _repeated("entry", (f"{entry.count} {entry.symbol}" for entry in shape.pays))
    symbols = {stop.symbol for reel in shape.reels for stop in reel}
    if shape.wild and shape.wild not in symbols:
        yield f"no reel shows the wild symbol {shape.wild}"
    for entry in shape.pays:
        if entry.count > reels or entry.symbol not in symbols:
            yield f"no line can show {entry.count} {entry.symbol}"
