"""A standing worked out row by row is what a plain look over the whole history says, in any time zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.actions.rules.hot import hot_values
from casino_club.features.actions.rules.standing import Standing, after_action, streak_ends_us
from casino_club.kernel.clock import MINUTE_US, Calendar, from_us, to_us

ZONES = ("Asia/Seoul", "Europe/Berlin", "America/New_York", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "UTC")
GAP = timedelta(minutes=30)
TURNS = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 29), (10, 25), (3, 8), (11, 1), (4, 24))]
"""Days on which clocks change, somewhere."""


class Act(NamedTuple):
    at: datetime
    is_play: bool


def incremental(history: Sequence[Act], zone: str) -> list[Standing]:
    calendar, standing, found = Calendar(zone), Standing(), []
    for act in history:
        standing = after_action(
            standing,
            at_us=to_us(act.at),
            is_play=act.is_play,
            gap_us=30 * MINUTE_US,
            day_bounds=calendar.day_bounds_us,
        )
        found.append(standing)
    return found


def oracle(history: Sequence[Act], zone: str) -> Standing:
    """Slow and plain. Plays that were late when they arrived don't take part in the streak, but in their day."""
    timely: list[datetime] = []
    counted: dict[object, int] = {}
    for act in history:
        if not act.is_play:
            continue
        is_late = bool(timely) and act.at < timely[-1]
        day = act.at.astimezone(ZoneInfo(zone)).date()
        if is_late and day != timely[-1].astimezone(ZoneInfo(zone)).date():
            continue
        if not is_late:
            timely.append(act.at)
        counted[day] = counted.get(day, 0) + 1
    if not timely:
        return Standing(0, 0, 0, to_us(max(act.at for act in history)))
    streak = 1
    for earlier, later in zip(timely[-2::-1], timely[:0:-1], strict=True):
        if later - earlier > GAP:
            break
        streak += 1
    plays = counted[timely[-1].astimezone(ZoneInfo(zone)).date()]
    return Standing(streak, plays, to_us(timely[-1]), to_us(max(act.at for act in history)))


steps = st.one_of(
    st.timedeltas(timedelta(0), timedelta(minutes=40)),
    st.sampled_from([GAP, GAP + timedelta(microseconds=1), -timedelta(minutes=5), timedelta(0)]),
    st.timedeltas(-timedelta(days=2), timedelta(days=2)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Act]:
    at = draw(st.sampled_from(TURNS)) - timedelta(hours=draw(st.integers(-26, 26)))
    acts = []
    for step in draw(st.lists(steps, min_size=1, max_size=30)):
        at += step
        acts.append(Act(at, draw(st.booleans() | st.just(True))))
    return acts


@pytest.mark.parametrize("zone", ZONES)
@given(history=histories())
def test_each_standing_is_what_the_whole_history_says(zone: str, history: list[Act]) -> None:
    found = incremental(history, zone)

    assert found == [oracle(history[: count + 1], zone) for count in range(len(history))]


@given(history=histories(), late=st.timedeltas(timedelta(microseconds=1), timedelta(days=80)))
def test_a_late_play_never_touches_the_streak(history: list[Act], late: timedelta) -> None:
    *_, before = incremental(history, "Asia/Seoul")
    if not before.last_play_us:
        return

    *_, after = incremental([*history, Act(from_us(before.last_play_us) - late, True)], "Asia/Seoul")

    assert (after.streak, after.last_play_us) == (before.streak, before.last_play_us)


@pytest.mark.parametrize("zone", ZONES)
@given(hours=st.integers(0, 24 * 366), minutes=st.integers(0, 59))
def test_a_day_holds_its_instants_and_ends_where_the_next_begins(zone: str, hours: int, minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    calendar = Calendar(zone)

    start, end = calendar.day_bounds_us(to_us(at))

    assert start <= to_us(at) < end
    day = calendar.day_of(at)
    assert calendar.day_of(from_us(start)) == calendar.day_of(from_us(end - 1)) == day
    assert calendar.day_of(from_us(start - 1)) < day < calendar.day_of(from_us(end))


def test_a_day_is_shorter_in_spring_and_longer_in_autumn() -> None:
    lengths = {}
    for day in (28, 29):
        start, end = Calendar("Europe/Berlin").day_bounds_us(to_us(datetime(2026, 3, day, 12, tzinfo=UTC)))
        lengths[day] = (end - start) // (60 * MINUTE_US)
    start, end = Calendar("America/New_York").day_bounds_us(to_us(datetime(2026, 11, 1, 12, tzinfo=UTC)))

    assert lengths == {28: 24, 29: 23}
    assert (end - start) // (60 * MINUTE_US) == 25


def test_plays_at_the_edge_of_the_gap() -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    tick = timedelta(microseconds=1)

    kept = incremental([Act(start, True), Act(start + GAP, True)], "UTC")
    lost = incremental([Act(start, True), Act(start + GAP + tick, True)], "UTC")

    assert (kept[-1].streak, lost[-1].streak) == (2, 1)


@given(history=histories())
def test_hot_values_end_when_silence_ends_them(history: list[Act]) -> None:
    calendar = Calendar("Europe/Berlin")
    *_, standing = incremental(history, "Europe/Berlin")

    shown = hot_values(standing, gap_us=30 * MINUTE_US, day_bounds=calendar.day_bounds_us)

    assert shown["last_action_ts"] == (str(int(max(act.at for act in history).timestamp() * 1_000)), None)
    if not standing.last_play_us:
        assert (shown["streak_count"], shown["daily_play_count"]) == (None, None)
        return
    last_play = from_us(standing.last_play_us)
    streak, plays = shown["streak_count"], shown["daily_play_count"]
    assert streak is not None
    assert plays is not None
    assert streak[1] is not None
    assert plays[1] is not None
    assert streak_ends_us(standing, 30 * MINUTE_US) == to_us(last_play + GAP) + 1
    assert 0 <= streak[1] * 1_000 - to_us(last_play + GAP) - 1 < 1_000
    ends = from_us(plays[1] * 1_000)
    assert calendar.day_of(ends) > calendar.day_of(last_play) == calendar.day_of(ends - timedelta(milliseconds=1))
