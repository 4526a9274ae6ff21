"""Stricter at once, looser after a wait and an act of the user's own: examples, and every order of acts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from casino_club.features.protection.rules.standing import (
    Standing,
    Status,
    imposed_until,
    months_later,
    released,
    restricted,
    returned,
    with_return_asked,
    with_return_dropped,
)
from casino_club.kernel.errors import Refused
from tests.builders.actions import NOON

DAY = timedelta(days=1)
TIMED = (Status.PAUSED, Status.PROTECTED, Status.EXCLUDED)


def test_each_status_gives_way_to_every_stricter_one() -> None:
    for looser, stricter in pairwise(Status):
        held = Standing() if looser is Status.NORMAL else restricted(Standing(), looser, until=NOON)
        assert restricted(held, stricter, until=NOON + DAY).status is stricter


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.NORMAL])
def test_no_status_gives_way_to_a_looser_one_or_to_itself(status: Status) -> None:
    held = restricted(Standing(), status, until=NOON)

    for other in Status:
        if other is Status.NORMAL or (other <= status and not (other.is_open and not status.is_open)):
            with pytest.raises(AlreadyStricter):
                restricted(held, other, until=NOON)


def test_a_status_can_be_made_to_last_longer_and_never_shorter() -> None:
    held = restricted(Standing(), Status.EXCLUDED, until=NOON + DAY)

    assert restricted(held, Status.EXCLUDED, until=NOON + 2 * DAY).until == NOON + 2 * DAY
    assert restricted(held, Status.CLOSED, until=None).until == NOON + DAY
    for until in (NOON + DAY, NOON, None):
        with pytest.raises(AlreadyStricter):
            restricted(held, Status.EXCLUDED, until=until)


def test_a_pause_that_becomes_an_exclusion_forgets_that_it_was_to_end() -> None:
    paused = restricted(Standing(), Status.PAUSED, until=NOON + DAY)

    excluded = restricted(paused, Status.EXCLUDED, until=NOON + 200 * DAY)

    assert paused.return_at == NOON + DAY
    assert excluded.return_at is None
    with pytest.raises(ReturnMissing):
        returned(excluded, now=NOON + 300 * DAY)


def test_a_pause_is_returned_from_once_its_time_is_over_and_confirmed() -> None:
    paused = restricted(Standing(), Status.PAUSED, until=NOON + DAY)

    with pytest.raises(ReturnTooSoon):
        returned(paused, now=NOON + DAY - timedelta(microseconds=1))
    assert returned(paused, now=NOON + DAY) == Standing()
    with pytest.raises(ReturnMissing):
        with_return_dropped(paused)


def test_an_exclusion_is_returned_from_once_it_is_over_asked_for_waited_for_and_confirmed() -> None:
    over = NOON + 200 * DAY
    excluded = restricted(Standing(), Status.EXCLUDED, until=over)

    with pytest.raises(StillHolds):
        with_return_asked(excluded, now=over - timedelta(microseconds=1))
    asked = with_return_asked(excluded, now=over)
    with pytest.raises(ReturnTooSoon):
        returned(asked, now=over + timedelta(hours=24, microseconds=-1))

    assert returned(asked, now=over + timedelta(hours=24)) == Standing()
    assert with_return_asked(asked, now=over + timedelta(hours=23)) == asked
    assert with_return_dropped(asked) == excluded


@pytest.mark.parametrize(("later", "told"), [({}, "03:00"), ({"microseconds": 1}, "03:01"), ({"seconds": 60}, "03:01")])
def test_whoever_comes_back_at_the_minute_they_were_told_is_not_too_early(later: dict[str, int], told: str) -> None:
    asked = restricted(Standing(), Status.PAUSED, until=NOON + timedelta(**later))

    with pytest.raises(ReturnTooSoon, match=f"2026-11-20 {told} UTC"):
        returned(asked, now=NOON - DAY)


def test_nobody_returns_from_normal_or_from_a_closed_account() -> None:
    with pytest.raises(NothingToLoosen):
        with_return_asked(Standing(), now=NOON)
    with pytest.raises(ClosedForGood):
        with_return_asked(restricted(Standing(), Status.CLOSED), now=NOON)


def test_who_was_limited_before_a_pause_is_limited_after_it_for_as_long_as_staff_said() -> None:
    limited = restricted(Standing(), Status.LIMITED, until=NOON + 90 * DAY)
    paused = restricted(limited, Status.PAUSED, until=NOON + DAY)

    back = returned(paused, now=NOON + DAY)

    assert paused.until == NOON + DAY
    assert back == limited
    with pytest.raises(StillHolds):
        with_return_asked(back, now=NOON + 2 * DAY)


def test_what_staff_impose_on_somebody_who_rests_waits_for_their_return() -> None:
    paused = restricted(Standing(), Status.PAUSED, until=NOON + DAY)

    held = restricted(paused, Status.LIMITED, until=NOON + 90 * DAY)

    assert (held.status, held.until, held.return_at) == (Status.PAUSED, NOON + DAY, NOON + DAY)
    assert returned(held, now=NOON + DAY) == restricted(Standing(), Status.LIMITED, until=NOON + 90 * DAY)
    with pytest.raises(AlreadyStricter):
        restricted(held, Status.INFORMED)


@pytest.mark.parametrize(
    ("status", "days", "until"),
    [
        (Status.LIMITED, None, None),
        (Status.LIMITED, 3, NOON + 3 * DAY),
        (Status.PAUSED, None, NOON + DAY),
        (Status.PAUSED, 42, NOON + 42 * DAY),
        (Status.EXCLUDED, None, datetime(2027, 5, 20, 3, 0, tzinfo=UTC)),
        (Status.EXCLUDED, 3, datetime(2027, 5, 20, 3, 0, tzinfo=UTC)),
        (Status.EXCLUDED, 365, NOON + 365 * DAY),
        (Status.PROTECTED, None, None),
    ],
)
def test_staff_impose_no_shorter_exclusion_than_users_themselves(
    status: Status, days: int | None, until: datetime | None
) -> None:
    assert imposed_until(status, days, now=NOON) == until


def test_staff_impose_no_longer_pause_than_users_themselves() -> None:
    with pytest.raises(PauseTooLong):
        imposed_until(Status.PAUSED, 43, now=NOON)


@pytest.mark.parametrize(
    ("at", "months", "later"),
    [
        (datetime(2026, 8, 31, tzinfo=UTC), 6, datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), 12, datetime(2027, 12, 1, tzinfo=UTC)),
        (datetime(2027, 8, 31, tzinfo=UTC), 6, datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_months_are_those_of_the_calendar(at: datetime, months: int, later: datetime) -> None:
    assert months_later(at, months) == later


def test_a_release_takes_back_what_staff_set_and_not_what_the_user_wanted() -> None:
    limited = restricted(Standing(), Status.LIMITED, until=NOON + 90 * DAY)
    excluded = restricted(Standing(), Status.EXCLUDED, until=NOON + 200 * DAY)
    paused = restricted(Standing(), Status.PAUSED, until=NOON + 20 * DAY)

    assert released(limited, own_until=None, now=NOON) == Standing(Status.LIMITED, open_status=Status.LIMITED)
    assert released(excluded, own_until=NOON + DAY, now=NOON).until == NOON + DAY
    assert released(paused, own_until=NOON + DAY, now=NOON).return_at == NOON + DAY
    free = released(excluded, own_until=None, now=NOON)
    assert free.status is Status.EXCLUDED
    assert returned(with_return_asked(free, now=NOON), now=NOON + DAY) == Standing()


@pytest.mark.parametrize("status", [Status.PROTECTED, Status.CLOSED])
def test_nothing_is_released_where_no_time_keeps_anybody(status: Status) -> None:
    with pytest.raises(NothingToRelease):
        released(restricted(Standing(), status), own_until=None, now=NOON)


ACTS = st.one_of(
    st.tuples(st.sampled_from([each for each in Status if each is not Status.NORMAL]), st.none() | st.integers(1, 300)),
    st.tuples(st.sampled_from(["ask", "drop", "confirm"]), st.none()),
)


@given(st.lists(st.tuples(st.integers(0, 80), ACTS), max_size=25))
def test_nobody_gets_looser_before_a_day_has_passed_or_before_what_was_promised(
    acts: list[tuple[int, tuple[Status | str, int | None]]],
) -> None:
    held, now, tightened_at = Standing(), NOON, NOON
    promised: dict[Status, datetime] = {}
    for hours, (act, days) in acts:
        now += timedelta(hours=hours)
        before = held
        try:
            held = _acted(held, act, days, now)
        except Refused:
            assert held is before
            continue
        if held.status > before.status:
            tightened_at = now
        if isinstance(act, Status) and days is not None and not act.is_open:
            promised[act] = max(now + days * DAY, promised.get(act, now))
        if held.status < before.status:
            assert now - tightened_at >= DAY
            assert all(until <= now for status, until in promised.items() if status <= before.status)
            assert before.status is not Status.CLOSED
            promised.clear()


def _acted(held: Standing, act: Status | str, days: int | None, now: datetime) -> Standing:
    match act:
        case "ask":
            return with_return_asked(held, now=now)
        case "drop":
            return with_return_dropped(held)
        case "confirm":
            return returned(held, now=now)
        case Status():
            until = None if days is None else now + days * DAY
            if act is Status.PAUSED and until is None:
                until = now + DAY
            return restricted(held, act, until=until)
        case _:
            raise AssertionError(act)
