"""Who is of age, and since when it is known."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from casino_club.features.identity.rules.refusals import InvalidDetails

YEARS_MAX = 130
PENDING_MAX = timedelta(days=1)
"""A check that nobody has answered by then may be asked for again."""


class AgeStatus(StrEnum):
    """How a user's age stands."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    PROVEN = "proven"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """A check of a user's age. `is_of_age` is None until it is settled."""

    reference: str
    asked_at: datetime
    settled_at: datetime | None
    is_of_age: bool | None


def years_between(birth_date: date, day: date) -> int:
    """Whole years of life. Who was born on 29 February is a year older on 1 March of common years."""
    has_had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (0 if has_had_birthday else 1)


def check_birth_date(birth_date: date, day: date) -> None:
    """Somebody was born then, and may be alive."""
    if birth_date > day or years_between(birth_date, day) > YEARS_MAX:
        raise InvalidDetails("Nobody who is alive was born on this date.")


def status_of(check: AgeCheck | None, now: datetime) -> AgeStatus:
    """How a user's age stands now."""
    if check is None:
        return AgeStatus.UNKNOWN
    if check.is_of_age is None:
        return AgeStatus.PENDING if now < check.asked_at + PENDING_MAX else AgeStatus.UNKNOWN
    return AgeStatus.PROVEN if check.is_of_age else AgeStatus.REFUSED
