"""Periods, limits and reality checks, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.protection.rules.counting import Counts
from casino_club.features.protection.rules.limits import (
    LIMITS,
    MINUTES_MAX,
    Limit,
    Measure,
    Period,
    Raise,
    check_limit,
    confirmed,
    raise_to,
)
from casino_club.features.protection.rules.periods import spans_at
from casino_club.features.protection.rules.reality import is_due, sitting_us
from casino_club.features.protection.rules.refusals import LimitMissing, LimitTooLarge, RaiseMissing, RaiseTooSoon
from casino_club.kernel.clock import MINUTE_US, Calendar, from_us, to_us
from tests.builders.actions import NOON

DAY = timedelta(days=1)
INSTANTS = st.integers(to_us(datetime(2020, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC)))


@given(INSTANTS, st.sampled_from(["Asia/Seoul", "America/New_York", "Australia/Lord_Howe", "UTC"]))
def test_periods_hold_their_instant_and_meet_without_a_gap(at_us: int, zone: str) -> None:
    calendar = Calendar(zone)

    spans = spans_at(calendar, at_us)

    for period in Period:
        assert spans.starts_us[period] <= at_us < spans.ends_us[period]
        after = spans_at(calendar, spans.ends_us[period])
        assert after.starts_us[period] == spans.ends_us[period]
        assert calendar.day_bounds_us(spans.starts_us[period])[0] == spans.starts_us[period]
    assert calendar.day_of(from_us(spans.starts_us[Period.WEEK])).weekday() == 0
    assert calendar.day_of(from_us(spans.starts_us[Period.MONTH])).day == 1


@pytest.mark.parametrize(("amount", "waits"), [(10, False), (9, False), (0, False), (11, True), (None, True)])
def test_a_lower_limit_holds_at_once_and_a_higher_one_waits(amount: int | None, waits: bool) -> None:
    waiting = raise_to(amount, current=10, now=NOON)

    assert waiting == (Raise(amount, NOON + DAY) if waits else None)


def test_the_first_limit_holds_at_once_and_none_can_be_taken_away_that_is_not_there() -> None:
    assert raise_to(1_000_000, current=None, now=NOON) is None
    with pytest.raises(LimitMissing):
        raise_to(None, current=None, now=NOON)


def test_a_raise_is_confirmed_from_its_hour_on_and_not_before() -> None:
    waiting = Raise(50, NOON + DAY)

    assert confirmed(waiting, now=NOON + DAY) == 50
    with pytest.raises(RaiseTooSoon):
        confirmed(waiting, now=NOON + DAY - timedelta(microseconds=1))
    with pytest.raises(RaiseMissing):
        confirmed(None, now=NOON)


def test_no_limit_is_greater_than_there_are_minutes() -> None:
    month = Limit(Measure.TIME, Period.MONTH)

    check_limit(month, MINUTES_MAX)
    with pytest.raises(LimitTooLarge):
        check_limit(month, MINUTES_MAX + 1)


def counts(*, began: int, last: int) -> Counts:
    """Of a sitting between two minutes of the hour that began at noon."""
    at_us = to_us(NOON)
    zeros = dict.fromkeys(Period, 0)
    return Counts(zeros, dict.fromkeys(LIMITS, 0), at_us + last * MINUTE_US, at_us + began * MINUTE_US)


@pytest.mark.parametrize(
    ("last", "seen", "at", "due"),
    [
        (28, None, 28, False),
        (29, None, 29, True),
        (29, None, 59, True),
        (29, None, 60, False),  # who has rested half an hour need not be told
        (58, 29, 58, False),
        (59, 30, 59, False),
        (60, 30, 60, True),
    ],
)
def test_a_reality_check_is_due_after_its_minutes_of_a_sitting_and_again(
    last: int, seen: int | None, at: int, due: bool
) -> None:
    noon_us = to_us(NOON)
    seen_us = 0 if seen is None else noon_us + seen * MINUTE_US

    assert is_due(counts(began=0, last=last), 30, seen_us=seen_us, at_us=noon_us + at * MINUTE_US) is due


def test_whoever_wants_none_is_never_told_and_a_sitting_that_is_over_takes_no_time() -> None:
    noon_us = to_us(NOON)

    assert not is_due(counts(began=0, last=200), None, seen_us=0, at_us=noon_us + 200 * MINUTE_US)
    assert sitting_us(counts(began=0, last=20), noon_us + 21 * MINUTE_US) == 21 * MINUTE_US
    assert sitting_us(counts(began=0, last=20), noon_us + 51 * MINUTE_US) == 0
