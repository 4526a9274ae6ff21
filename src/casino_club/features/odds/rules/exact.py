"""Exact figures of a table, by going through everything that can come. Nothing here is simulated or rounded."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod
from typing import Final

from casino_club.features.odds.rules.chain import long_run, longest_wait
from casino_club.features.odds.rules.outcomes import line_pay, next_state
from casino_club.features.odds.rules.shapes import Cells, PrizeKind, Prizes, Slot, Wager
from casino_club.features.odds.rules.tables import SPIN, OddsTable

DECIMALS: Final = 15

Rates = Mapping[str, Fraction]
"""How likely each of the things that can come is."""


def rates_at(table: OddsTable, state: int) -> dict[str, Fraction]:
    """How likely each item, place, or return of a slot (for one step of the stake) is at this state."""
    match table.shape:
        case Prizes() | Cells() as shape:
            names = [item.id for item in shape.items]
        case Wager() as shape:
            names = [place.id for place in shape.places]
        case Slot() as shape:
            return slot_rates(table)
    wheel = table.wheels[state][0]
    return {name: Fraction(weight, wheel.total) for name, weight in zip(names, wheel.weights, strict=True)}


@lru_cache(maxsize=32)
def _slot_returns(table: OddsTable) -> Mapping[int, Fraction]:
    """How likely each return for one step of the stake is: every combination of stops, weighed."""
    shape = table.shape
    assert isinstance(shape, Slot)
    weights = [wheel.weights for wheel in table.wheels[0]]
    windows = [_shown(shape, reel) for reel in range(len(shape.reels))]
    pay_of = lru_cache(maxsize=None)(lambda symbols: line_pay(shape, symbols))
    found: Counter[int] = Counter()
    for stops in product(*(range(len(reel)) for reel in shape.reels)):
        shown = [windows[reel][stop] for reel, stop in enumerate(stops)]
        pays = sum(pay_of(symbols) for symbols in zip(*shown, strict=True))
        found[pays] += prod(weights[reel][stop] for reel, stop in enumerate(stops))
    whole = prod(wheel.total for wheel in table.wheels[0])
    return {pays: Fraction(weight, whole) for pays, weight in sorted(found.items())}


def _shown(shape: Slot, reel: int) -> list[tuple[str, ...]]:
    """For each stop of a reel, the symbol that each line shows on it."""
    stops = shape.reels[reel]
    return [
        tuple(stops[(first + line[reel]) % len(stops)].symbol for line in shape.lines) for first in range(len(stops))
    ]


def slot_rates(table: OddsTable) -> dict[str, Fraction]:
    """The same by name."""
    return {str(pays): rate for pays, rate in _slot_returns(table).items()}


def returns_of(table: OddsTable, bet: str) -> dict[int, Fraction]:
    """How likely each return of a bet is, for one step of the stake."""
    if isinstance(table.shape, Slot):
        assert bet == SPIN, bet
        return dict(_slot_returns(table))
    found: dict[int, Fraction] = {}
    for place, rate in rates_at(table, 0).items():
        pays = table.wins[bet].get(place, 0)
        found[pays] = found.get(pays, Fraction(0)) + rate
    return found


def rtp(table: OddsTable, bet: str) -> Fraction:
    """What a bet gives back of its stake, on average."""
    shape = table.shape
    assert isinstance(shape, Wager | Slot)
    return sum((pays * rate for pays, rate in returns_of(table, bet).items()), Fraction(0)) / shape.stake.step


def hit_rate(table: OddsTable, bet: str) -> Fraction:
    """How likely a bet gives anything back."""
    return 1 - returns_of(table, bet).get(0, Fraction(0))


def gain_rate(table: OddsTable, bet: str) -> Fraction:
    """How likely a bet gives back more than its stake: what alone may be called a win."""
    shape = table.shape
    assert isinstance(shape, Wager | Slot)
    return sum((rate for pays, rate in returns_of(table, bet).items() if pays > shape.stake.step), Fraction(0))


@lru_cache(maxsize=32)
def state_shares(table: OddsTable) -> tuple[Fraction, ...]:
    """How often draws are made at each state in the long run, by one user who goes on drawing."""
    return tuple(long_run([_steps(table, state) for state in range(table.states)]))


def _steps(table: OddsTable, state: int) -> dict[int, Fraction]:
    steps: dict[int, Fraction] = {}
    for item, rate in enumerate(rates_at(table, state).values()):
        if rate:
            target = next_state(table, state, item)
            steps[target] = steps.get(target, Fraction(0)) + rate
    return steps


def long_run_rates(table: OddsTable) -> dict[str, Fraction]:
    """How likely each item is in the long run, states taken together."""
    found: dict[str, Fraction] = {}
    for state, share in enumerate(state_shares(table)):
        for name, rate in rates_at(table, state).items():
            found[name] = found.get(name, Fraction(0)) + share * rate
    return found


def ceiling(table: OddsTable) -> int | None:
    """With how many draws a tier that resets has come for certain; None if it never has."""
    shape = table.shape
    if not isinstance(shape, Prizes) or not shape.resets:
        return None
    return longest_wait([_bad_luck(table, shape, state) for state in range(table.states)])


def _bad_luck(table: OddsTable, shape: Prizes, state: int) -> frozenset[int]:
    weights = table.wheels[state][0].weights
    return frozenset(
        next_state(table, state, number)
        for number, item in enumerate(shape.items)
        if weights[number] and item.tier not in shape.resets
    )


def expected_prizes(table: OddsTable, rates: Rates) -> dict[PrizeKind, Fraction]:
    """How much of each kind one draw gives on average. Badges, coupons and content are counted, not added up."""
    shape = table.shape
    assert isinstance(shape, Prizes | Cells)
    found: dict[PrizeKind, Fraction] = {}
    for item in shape.items:
        kind = item.prize.kind
        if kind is not PrizeKind.NOTHING:
            worth = 1 if kind in COUNTED else item.prize.amount
            found[kind] = found.get(kind, Fraction(0)) + rates[item.id] * worth
    return found


COUNTED: Final = frozenset((PrizeKind.CONTENT_UNLOCK, PrizeKind.BADGE, PrizeKind.COUPON))


def decimal(value: Fraction, digits: int = DECIMALS) -> str:
    """A number that is not negative, in decimals: all of them if they end in time, else rounded half to even."""
    whole, rest = divmod(round(value * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def is_exact(value: Fraction, digits: int = DECIMALS) -> bool:
    """Whether its decimals say all of it."""
    return int(10**digits) % value.denominator == 0
