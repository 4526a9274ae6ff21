"""What a run counts. Whole numbers only, so that no order of adding up can change a digit of a report."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from casino_club.entry.economy.books import Purse
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.kernel.money import Currency


class Betting(NamedTuple):
    """What is counted apart: RTP is a bet's."""

    product: str
    bet: str
    currency: Currency


@dataclass(slots=True)
class Rounds:
    """Rounds of one bet, in steps of the stake."""

    rounds: int = 0
    steps: int = 0
    squares: int = 0
    """Of each round's steps: what the spread of the sum follows,"""
    cubes: int = 0
    """and what its skew follows."""
    steps_max: int = 0
    returned: int = 0

    def add(self, steps: int, returned: int) -> None:
        self.rounds += 1
        self.steps += steps
        self.squares += steps * steps
        self.cubes += steps * steps * steps
        self.steps_max = max(self.steps_max, steps)
        self.returned += returned


@dataclass(slots=True)
class Day:
    """One day of everybody."""

    arrived: int = 0
    active: int = 0
    ran_out: int = 0
    """Of the active: at some time they could not pay the least stake, and no free coins were due."""
    left: int = 0
    purchases: int = 0
    krw: int = 0
    held_active: Counter[Currency] = field(default_factory=Counter)
    """What those who were active hold at its end."""


class Person(NamedTuple):
    """What became of one user: what two runs are compared by."""

    kind: str
    days_active: int
    days_ran_out: int
    rounds: int
    coins_staked: int
    coins_won: int
    free_coins: int
    bonus_coins: int
    pulls: int
    krw: int
    first_purchase: int | None
    """So many days after they came for the first time."""
    coins_at_end: int


@dataclass(slots=True)
class Tally:
    """All counts of a run."""

    days: list[Day]
    bets: defaultdict[Betting, Rounds] = field(default_factory=lambda: defaultdict(Rounds))
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Bonus draws by product and cell,"""
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    """and those of them that gave something."""
    states: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Gacha draws by product and state,"""
    items: Counter[tuple[str, str]] = field(default_factory=Counter)
    """and what they gave."""
    goods: Counter[str] = field(default_factory=Counter)
    """What was given that is no money."""
    sold: Counter[str] = field(default_factory=Counter)
    """Items of the catalogue."""
    people: list[Person] = field(default_factory=list)
    drift: Counter[Currency] = field(default_factory=Counter)
    """What was played with and is not in the books, or the other way round. Always nothing."""
    held_at_end: Counter[Currency] = field(default_factory=Counter)

    def give(self, purse: Purse, kind: RewardType, amount: int) -> None:
        """Something that is no money. Free spins are kept to be played."""
        self.goods[kind] += amount
        purse.spins += amount if kind is RewardType.FREE_SPIN else 0


Report = Callable[[int, int], None]
"""Told how many users of how many are done."""
