"""Where the operator's day, week and month begin and end."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from casino_club.features.protection.rules.limits import Period
from casino_club.kernel.clock import Calendar, from_us


class Spans(NamedTuple):
    """When each period that holds an instant began, and when it ends."""

    starts_us: Mapping[Period, int]
    ends_us: Mapping[Period, int]


def spans_at(calendar: Calendar, at_us: int) -> Spans:
    """The periods that hold this instant."""
    return _spans_of(calendar, calendar.day_bounds_us(at_us)[0])


@lru_cache(maxsize=256)
def _spans_of(calendar: Calendar, day_start_us: int) -> Spans:
    day = calendar.day_of(from_us(day_start_us))
    monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
    days = {
        Period.DAY: (day, day + timedelta(days=1)),
        Period.WEEK: (monday, monday + timedelta(days=7)),
        Period.MONTH: (first, (first + timedelta(days=31)).replace(day=1)),
    }
    return Spans(
        {period: _midnight_us(calendar, first) for period, (first, _) in days.items()},
        {period: _midnight_us(calendar, after) for period, (_, after) in days.items()},
    )


def _midnight_us(calendar: Calendar, day: date) -> int:
    return calendar.bounds_of_us(day)[0]
