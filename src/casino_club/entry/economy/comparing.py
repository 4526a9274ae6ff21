"""Two versions side by side: the same users, the same intentions and the same words, so that little else differs."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Final

import msgspec

from casino_club.entry.economy.report import DIGITS, ReportOut
from casino_club.entry.economy.tally import Person

FORMAT: Final = "casino-club/economy-comparison/1"
DEVIATIONS: Final = 1.96
"""An interval of 95%, for each figure on its own."""

FIGURES: Final[dict[str, Callable[[Person], int]]] = {
    "days_active": lambda user: user.days_active,
    "days_ran_out": lambda user: user.days_ran_out,
    "rounds": lambda user: user.rounds,
    "coins_staked": lambda user: user.coins_staked,
    "coins_lost": lambda user: user.coins_staked - user.coins_won,
    "free_coins": lambda user: user.free_coins,
    "bonus_coins": lambda user: user.bonus_coins,
    "pulls": lambda user: user.pulls,
    "krw": lambda user: user.krw,
    "coins_at_end": lambda user: user.coins_at_end,
}


class Difference(msgspec.Struct, frozen=True):
    """A figure of users, each on average, and by how much the second version differs."""

    figure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    is_clear: bool
    """Whether the interval leaves out 0."""


class ComparisonOut(msgspec.Struct, frozen=True):
    """Both runs, and what differs."""

    format: str
    differences: list[Difference]
    first: ReportOut
    second: ReportOut


def differences(first: Sequence[Person], second: Sequence[Person]) -> list[Difference]:
    """Every figure, user by user."""
    return [
        _difference(name, [figure(user) for user in first], [figure(user) for user in second])
        for name, figure in FIGURES.items()
    ]


def _difference(name: str, first: Sequence[int], second: Sequence[int]) -> Difference:
    users = len(first)
    off = [later - earlier for earlier, later in zip(first, second, strict=True)]
    total, squares = sum(off), sum(each * each for each in off)
    mean = total / users
    spread = sqrt(max(0, squares * users - total * total) / (users * users * max(1, users - 1)))
    low, high = mean - DEVIATIONS * spread, mean + DEVIATIONS * spread
    before, after, off_by, least, most = (
        round(each, DIGITS) for each in (sum(first) / users, sum(second) / users, mean, low, high)
    )
    return Difference(name, before, after, off_by, least, most, low > 0 or high < 0)
