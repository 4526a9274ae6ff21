"""States of protection: stricter at once, looser after a wait and by an act of the user's own."""

import calendar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from casino_club.features.protection.rules.refusals import (
    AlreadyStricter,
    ClosedForGood,
    NothingToLoosen,
    NothingToRelease,
    PauseTooLong,
    ReturnMissing,
    ReturnTooSoon,
    StillHolds,
)

RETURN_WAIT: Final = timedelta(hours=24)
PAUSE_HOURS_MIN: Final = 24
PAUSE_HOURS_MAX: Final = 6 * 7 * 24
EXCLUSION_MONTHS_MIN: Final = 6
EXCLUSION_MONTHS_MAX: Final = 120
BARRED_AFTER_CLOSING_MONTHS: Final = 60


class Status(IntEnum):
    """How much somebody is protected; a greater one is stricter. The first three are open to play."""

    NORMAL = 0
    INFORMED = 1
    LIMITED = 2
    PAUSED = 3
    PROTECTED = 4
    EXCLUDED = 5
    CLOSED = 6

    @property
    def is_open(self) -> bool:
        return self <= Status.LIMITED

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Standing:
    """A user's status, and what they come back to: the open status beneath it."""

    status: Status = Status.NORMAL
    until: datetime | None = None
    """Before this nobody returns."""
    return_at: datetime | None = None
    """From when on the user can confirm the return that they asked for."""
    open_status: Status = Status.NORMAL
    open_until: datetime | None = None


def restricted(standing: Standing, to: Status, *, until: datetime | None = None) -> Standing:
    """The standing under a stricter status, or the same one for longer. Raises `AlreadyStricter`.

    An open status that is imposed on somebody who rests waits for their return.
    """
    if to.is_open and not standing.status.is_open:
        _check_stricter(standing.open_status, standing.open_until, to, until)
        return replace(standing, open_status=to, open_until=_later(standing.open_until, until))
    _check_stricter(standing.status, standing.until, to, until)
    if to.is_open:
        latest = _later(standing.until, until)
        return Standing(to, latest, None, to, latest)
    latest = until if standing.status.is_open else _later(standing.until, until)
    return replace(standing, status=to, until=latest, return_at=latest if to is Status.PAUSED else None)


def _check_stricter(status: Status, current: datetime | None, to: Status, until: datetime | None) -> None:
    is_longer = to is status and until is not None and (current is None or until > current)
    if to is Status.NORMAL or to < status or (to is status and not is_longer):
        raise AlreadyStricter


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def imposed_until(status: Status, days: int | None, *, now: datetime) -> datetime | None:
    """Until when at least a status holds that staff impose. An exclusion is never shorter than one of a user's own."""
    until = None if days is None else now + timedelta(days=days)
    if status is Status.EXCLUDED:
        return _later(until, months_later(now, EXCLUSION_MONTHS_MIN))
    if status is Status.PAUSED and until is None:
        return now + timedelta(hours=PAUSE_HOURS_MIN)
    if status is Status.PAUSED and until is not None and until > now + timedelta(hours=PAUSE_HOURS_MAX):
        raise PauseTooLong(PAUSE_HOURS_MAX // 24)
    return until


def with_return_asked(standing: Standing, *, now: datetime) -> Standing:
    """The standing once a return is asked for; asking again changes nothing. A pause has asked from its beginning."""
    if standing.status is Status.NORMAL:
        raise NothingToLoosen
    if standing.status is Status.CLOSED:
        raise ClosedForGood
    if standing.until is not None and now < standing.until:
        raise StillHolds(standing.until)
    return standing if standing.return_at else replace(standing, return_at=now + RETURN_WAIT)


def with_return_dropped(standing: Standing) -> Standing:
    """The standing once the wish to return is taken back. A pause ends by confirming, whenever that is."""
    if standing.return_at is None or standing.status is Status.PAUSED:
        raise ReturnMissing
    return replace(standing, return_at=None)


def returned(standing: Standing, *, now: datetime) -> Standing:
    """The standing of somebody who confirms their return. Raises `ReturnMissing` and `ReturnTooSoon`."""
    if standing.return_at is None:
        raise ReturnMissing
    if now < standing.return_at:
        raise ReturnTooSoon(standing.return_at)
    if standing.status.is_open:
        return Standing()
    return Standing(standing.open_status, standing.open_until, None, standing.open_status, standing.open_until)


def released(standing: Standing, *, own_until: datetime | None, now: datetime) -> Standing:
    """The standing without the time that staff set by mistake; the user's own promise still holds, if there is one.

    The status stays: coming back is the user's own act.
    """
    if standing.status is Status.CLOSED or standing.until is None or standing.until <= now:
        raise NothingToRelease
    if standing.status.is_open:
        return Standing(standing.status, None, standing.return_at, standing.status)
    return_at = own_until if standing.status is Status.PAUSED else standing.return_at
    return replace(standing, until=own_until, return_at=return_at)


def barred_until(standing: Standing, *, now: datetime) -> datetime | None:
    """Until when whoever leaves now does not come back as somebody new. Erasure is no way round an exclusion."""
    if standing.status is Status.CLOSED:
        return months_later(now, BARRED_AFTER_CLOSING_MONTHS)
    return standing.until if standing.status is Status.EXCLUDED else None


def months_later(at: datetime, months: int) -> datetime:
    """The same time of the same day so many calendar months later, or of that month's last day."""
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))
