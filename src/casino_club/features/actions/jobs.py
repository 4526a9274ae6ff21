"""What this slice does when the log grows and when time passes."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.hot import hot_values
from casino_club.features.actions.rules.refusals import RefusalPolicy
from casino_club.features.actions.rules.standing import Standing
from casino_club.features.actions.store import refusals
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.log.reader import LogRow
from casino_club.infra.log.subscribe import Policies, subscribe_hot
from casino_club.infra.ports import HotValue, HotWrite
from casino_club.kernel.clock import to_us

HOT_NAMES = ("streak_count", "daily_play_count", "last_action_ts")
FORGOTTEN_AT_ONCE = 1_000


@subscribe_hot(
    "hot", names=HOT_NAMES, about="Each user's streak, plays of the day and last action, for readers in a hurry."
)
def hot(rows: Sequence[LogRow], policies: Policies) -> Sequence[HotWrite]:
    policy: ActionPolicy = policies[ActionPolicy]
    last_rows = {row.user_id: row for row in rows}
    return [_write(row, policy) for row in last_rows.values()]


def _write(row: LogRow, policy: ActionPolicy) -> HotWrite:
    values = hot_values(standing_of(row), gap_us=policy.streak_gap_us, day_bounds=policy.calendar.day_bounds_us)
    return HotWrite(row.user_id, row.id, {name: HotValue(*value) if value else None for name, value in values.items()})


def standing_of(row: LogRow) -> Standing:
    """The user's standing after this row."""
    last_play_us = to_us(row.last_play_at) if row.last_play_at else 0
    return Standing(row.streak, row.day_plays, last_play_us, to_us(row.last_action_at))


@job("forget_refused", every=timedelta(hours=1), about="Deletes refused actions that have been kept long enough.")
async def forget_refused(work: Work) -> None:
    policy: RefusalPolicy = work.policies[RefusalPolicy]
    before = work.now - timedelta(days=policy.keep_days)
    forget = partial(refusals.forget_refused, before=before, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass
