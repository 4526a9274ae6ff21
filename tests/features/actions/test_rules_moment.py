"""Late actions are welcome within the operator's limit, early ones within the skew of clocks."""

import pytest

from casino_club.features.actions.rules.moment import MomentPolicy, fault_in_moment, moments
from casino_club.features.actions.rules.refusals import TimestampInFuture, TimestampTooOld
from casino_club.kernel.clock import DAY_US, SECOND_US, to_us
from tests.builders.actions import NOON

POLICY = MomentPolicy(late_days_max=90, skew_seconds_max=300)


def test_the_bounds_are_the_operators() -> None:
    now_us = to_us(NOON)

    assert moments(now_us, POLICY) == (now_us - 90 * DAY_US, now_us + 300 * SECOND_US)


@pytest.mark.parametrize(("off_us", "refusal"), [(301 * SECOND_US, TimestampInFuture), (-91 * DAY_US, TimestampTooOld)])
def test_outside_of_them_the_refusal_says_on_which_side(off_us: int, refusal: type[Exception]) -> None:
    assert isinstance(fault_in_moment(to_us(NOON) + off_us, to_us(NOON), POLICY), refusal)
