"""Due times follow from the clock's reading alone, and days on which the clocks change have their run, once."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.infra.jobs.job import CatchUp, Job, Work, job
from casino_club.infra.jobs.times import LATE_MAX, due_times, next_due

SEOUL, BERLIN, CAIRO = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin"), ZoneInfo("Africa/Cairo")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


async def nothing(_: Work) -> None:
    return


def hourly(catch_up: CatchUp = CatchUp.LATEST, *, catch_up_max: int = 100) -> Job:
    declare = job("hourly", every=timedelta(hours=1), about="A job.", catch_up=catch_up, catch_up_max=catch_up_max)
    return declare(nothing)


def daily(at: time) -> Job:
    return job("daily", daily_at=at, about="A job.", catch_up=CatchUp.EVERY)(nothing)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute


@pytest.mark.parametrize("minutes", [0, 1, 59])
def test_an_interval_is_counted_from_1970_whoever_asks_and_when(minutes: int) -> None:
    assert next_due(hourly(), after=NOON + timedelta(minutes=minutes), zone=SEOUL) == NOON + timedelta(hours=1)


def test_a_time_of_day_is_the_operators() -> None:
    assert next_due(daily(time(0, 0)), after=NOON, zone=SEOUL) == at(2026, 11, 20, 15)
    assert next_due(daily(time(0, 0)), after=at(2026, 11, 20, 15), zone=SEOUL) == at(2026, 11, 21, 15)


@pytest.mark.parametrize(
    ("zone", "at_time", "since", "due"),
    [
        (BERLIN, time(2, 30), at(2027, 3, 28, 0), at(2027, 3, 28, 1, 30)),  # 2:30 is jumped over: 3:30 instead.
        (BERLIN, time(2, 30), at(2027, 10, 30, 12), at(2027, 10, 31, 0, 30)),  # 2:30 comes twice: the first.
        (BERLIN, time(2, 30, fold=1), at(2027, 10, 30, 12), at(2027, 10, 31, 0, 30)),
        (BERLIN, time(2, 30), at(2027, 10, 31, 0, 30), at(2027, 11, 1, 1, 30)),
        (CAIRO, time(0, 0), at(2026, 4, 23, 12), at(2026, 4, 23, 22)),  # The day begins at 1:00.
    ],
)
def test_days_that_the_clocks_change_on_have_one_run(
    zone: ZoneInfo, at_time: time, since: datetime, due: datetime
) -> None:
    assert next_due(daily(at_time), after=since, zone=zone) == due


@given(
    zone=st.sampled_from([SEOUL, BERLIN, CAIRO, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]),
    at_time=st.times(),
    begin_hours=st.integers(0, 90_000),
)
def test_every_day_of_the_operators_has_exactly_one_run(zone: ZoneInfo, at_time: time, begin_hours: int) -> None:
    begins_at = at(2020, 1, 1) + timedelta(hours=begin_hours)

    found = due_times(daily(at_time), after=begins_at, until=begins_at + timedelta(days=60), zone=zone)

    days = [each.astimezone(zone).date() for each in found]
    assert len(days) in (59, 60, 61)
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert days[0] - begins_at.astimezone(zone).date() <= timedelta(days=1)
    assert date(1970, 1, 1) < days[0]


def test_ways_of_catching_up() -> None:
    span = {"after": NOON, "until": NOON + timedelta(hours=3, minutes=5), "zone": SEOUL}
    missed = [NOON + timedelta(hours=hours) for hours in (1, 2, 3)]

    assert due_times(hourly(CatchUp.EVERY), **span) == missed  # type: ignore[arg-type]  # a span is of three kinds
    assert due_times(hourly(CatchUp.EVERY, catch_up_max=2), **span) == missed[1:]  # type: ignore[arg-type]  # as above
    assert due_times(hourly(CatchUp.LATEST), **span) == missed[2:]  # type: ignore[arg-type]  # as above
    assert due_times(hourly(CatchUp.NONE), **span) == missed[2:]  # type: ignore[arg-type]  # as above


def test_what_is_too_late_is_left_out_where_nobody_wants_it_caught_up() -> None:
    until = NOON + timedelta(hours=1) + LATE_MAX + timedelta(seconds=1)

    assert due_times(hourly(CatchUp.NONE), after=NOON, until=until, zone=SEOUL) == []


def test_years_of_missed_times_cost_no_more_than_the_bound() -> None:
    often = job("often", every=timedelta(milliseconds=1), about="A job.", catch_up=CatchUp.EVERY, catch_up_max=3)

    found = due_times(often(nothing), after=at(2000, 1, 1), until=NOON, zone=SEOUL)

    assert found == [NOON - timedelta(milliseconds=left) for left in (2, 1, 0)]


def test_a_clock_that_goes_back_makes_nothing_due() -> None:
    assert due_times(hourly(CatchUp.EVERY), after=NOON, until=NOON - timedelta(days=2), zone=SEOUL) == []
