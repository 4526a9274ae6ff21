"""When an action happened: its own time if the sender gave one, within bounds; otherwise now."""

from datetime import UTC, datetime
from typing import NamedTuple

from casino_club.features.actions.rules.refusals import TimestampInFuture, TimestampTooOld
from casino_club.kernel.clock import DAY_US, SECOND_US
from casino_club.kernel.errors import Refused

HISTORY_BEGINS = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier times in a file are a fault of the file: a zero, or seconds taken for milliseconds."""


class MomentPolicy(NamedTuple):
    """How far from now an action's own time may lie."""

    late_days_max: int
    skew_seconds_max: int


def moments(now_us: int, policy: MomentPolicy) -> tuple[int, int]:
    """The earliest and the latest time that is accepted now. Late actions are welcome within the operator's limit."""
    return now_us - policy.late_days_max * DAY_US, now_us + policy.skew_seconds_max * SECOND_US


def of_history(policy: MomentPolicy, now: datetime) -> MomentPolicy:
    """The bounds for an import: how late an action may be is a limit for senders, not for the operator's history."""
    return policy._replace(late_days_max=(now - HISTORY_BEGINS).days)


def fault_in_moment(at_us: int, now_us: int, policy: MomentPolicy) -> Refused:
    """Why a time outside of these bounds can't be accepted."""
    if at_us > now_us:
        return TimestampInFuture(f"action_timestamp is more than {policy.skew_seconds_max} seconds ahead of our clock.")
    return TimestampTooOld(f"action_timestamp is more than {policy.late_days_max} days old.")
