"""What can be limited, and how a limit changes: lower at once, higher after a wait and a second word of the user's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from casino_club.features.protection.rules.refusals import LimitMissing, LimitTooLarge, RaiseMissing, RaiseTooSoon
from casino_club.kernel.clock import MINUTE_US
from casino_club.kernel.money import AMOUNT_MAX, Currency


class Measure(StrEnum):
    """What is counted: money paid, coins and tokens lost, time played."""

    PURCHASES = "purchases"
    COINS = "coins"
    TOKENS = "tokens"
    TIME = "time"

    @property
    def unit(self) -> str:
        return _UNITS[self]

    @property
    def counted_in(self) -> int:
        """How much is counted for one unit: time is counted in microseconds."""
        return MINUTE_US if self is Measure.TIME else 1

    @property
    def amount_max(self) -> int:
        """A greater limit would be none."""
        return MINUTES_MAX if self is Measure.TIME else AMOUNT_MAX


class Period(StrEnum):
    """How long is counted together. Weeks begin on Mondays, all of them at the operator's midnight."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Limit(NamedTuple):
    """One thing that can be limited."""

    measure: Measure
    period: Period

    @property
    def name(self) -> str:
        return f"{self.measure}_{self.period}"


_UNITS: Final = {
    Measure.PURCHASES: "KRW",
    Measure.COINS: "coins",
    Measure.TOKENS: "cyber tokens",
    Measure.TIME: "minutes",
}
MINUTES_MAX: Final = 31 * 24 * 60
LIMITS: Final = tuple(Limit(measure, period) for measure in Measure for period in Period)
LOST_IN: Final = {Currency.COIN: Measure.COINS, Currency.CYBER_TOKEN: Measure.TOKENS}
"""Gems buy something for certain, so that nobody loses any; what they cost is counted as a purchase."""

RAISE_WAIT: Final = timedelta(hours=24)

LIMITED_CAPS: Final[Mapping[Limit, int]] = {
    Limit(Measure.PURCHASES, Period.DAY): 30_000,
    Limit(Measure.PURCHASES, Period.MONTH): 150_000,
    Limit(Measure.TIME, Period.DAY): 120,
    Limit(Measure.TIME, Period.WEEK): 600,
}
"""What holds of whoever is limited, whatever they have set themselves. These figures are our proposal."""


@dataclass(frozen=True, slots=True)
class Raise:
    """A higher limit that waits for its time and for the user's second word; without an amount, no limit at all."""

    amount: int | None
    due_at: datetime


def check_limit(limit: Limit, amount: int | None) -> None:
    """Raises `LimitTooLarge`."""
    if amount is not None and amount > limit.measure.amount_max:
        raise LimitTooLarge(limit.measure.amount_max, limit.measure.unit)


def raise_to(amount: int | None, *, current: int | None, now: datetime) -> Raise | None:
    """The raise that has to wait if this takes the place of the current limit; None if it holds at once.

    Raises `LimitMissing` of a limit that is taken away and isn't there.
    """
    if amount is None and current is None:
        raise LimitMissing
    is_stricter = amount is not None and (current is None or amount <= current)
    return None if is_stricter else Raise(amount, now + RAISE_WAIT)


def confirmed(waiting: Raise | None, *, now: datetime) -> int | None:
    """The limit that holds from now on. Raises `RaiseMissing` and `RaiseTooSoon`."""
    if waiting is None:
        raise RaiseMissing
    if now < waiting.due_at:
        raise RaiseTooSoon(waiting.due_at)
    return waiting.amount
