"""What protection is asked about, and from which status on it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from casino_club.features.protection.rules import refusals
from casino_club.features.protection.rules.limits import LOST_IN, Measure
from casino_club.features.protection.rules.standing import Standing, Status
from casino_club.kernel.money import AMOUNT_MAX, Currency


class Occasion(StrEnum):
    """What is about to happen."""

    PURCHASE = "purchase"
    """Money is paid, in KRW."""
    BET = "bet"
    """A play begins; what it stakes may be 0."""
    BONUS = "bonus"
    """Something comes on top of a play."""
    GRANT = "grant"
    """Something is given for nothing."""


REFUSED_FROM: Final[Mapping[Occasion, Status]] = {
    Occasion.PURCHASE: Status.PAUSED,
    Occasion.BET: Status.PAUSED,
    Occasion.BONUS: Status.LIMITED,
    Occasion.GRANT: Status.EXCLUDED,
}


@dataclass(frozen=True, slots=True)
class Admission:
    """What was admitted and counted. Whoever settles later makes it again from what they have kept."""

    user_id: int
    occasion: Occasion
    amount: int
    currency: Currency | None
    at: datetime
    """The instant under which it was counted."""
    lets_bonus: bool = False
    """Whether something may come on top of it: the user stays locked, so that nobody has to ask again."""


def measure_of(occasion: Occasion, currency: Currency | None) -> Measure | None:
    """What this adds to, besides time; None if nothing."""
    if occasion is Occasion.PURCHASE:
        return Measure.PURCHASES
    if occasion is Occasion.BET:
        assert currency is not None, "a bet has a currency"
        return LOST_IN.get(currency)
    return None


def counted_of(occasion: Occasion, currency: Currency | None, amount: int) -> dict[Measure, int]:
    """What this adds to each measure. A play takes time, which is worked out when it is counted."""
    measure = measure_of(occasion, currency)
    added = {} if measure is None else {measure: amount}
    return {**added, Measure.TIME: 0} if occasion is Occasion.BET else added


def check_amount(amount: int) -> None:
    """Raises `AmountInvalid`."""
    if type(amount) is not int or not 0 <= amount <= AMOUNT_MAX:
        raise refusals.AmountInvalid(amount)


def veto_of(standing: Standing, occasion: Occasion) -> refusals.Vetoed | None:
    """What the user's status says against it."""
    if standing.status < REFUSED_FROM[occasion]:
        return None
    match standing.status:
        case Status.PAUSED:
            return refusals.PlayPaused(standing.until)
        case Status.PROTECTED:
            return refusals.PlayProtected(standing.until)
        case Status.EXCLUDED:
            return refusals.PlayExcluded(standing.until)
        case Status.CLOSED:
            return refusals.PlayClosed()
        case _:
            return refusals.PlayLimited()
