"""What this slice does when the log grows and when time passes."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial

import msgspec

from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.amounts import amounts_of
from casino_club.features.actions.rules.hot import hot_values
from casino_club.features.actions.rules.refusals import RefusalPolicy
from casino_club.features.actions.rules.standing import Standing
from casino_club.features.actions.store import leaving, refusals
from casino_club.infra.db.database import Db
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.log import parked
from casino_club.infra.log.history import rows_of
from casino_club.infra.log.rows import NAMES, LogRow
from casino_club.infra.log.subscribe import Policies, subscribe_hot, subscribe_warehouse
from casino_club.infra.ports import Block, HotValue, HotWrite
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept
from casino_club.infra.warehouse.blocks import (
    block,
    days,
    flags,
    instants,
    int32,
    int64,
    optional_int64,
    texts,
    uuids,
    words,
)
from casino_club.kernel.clock import Calendar

HOT_NAMES = ("streak_count", "daily_play_count", "last_action_ts")
FORGOTTEN_AT_ONCE = 1_000
PAGE_ROWS = 500
WAREHOUSE_PAGE_ROWS = 50_000
WAREHOUSE_REST_SECONDS = 0.5
"""Each insert makes files that are merged later, so many small ones cost more than they are worth."""


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


@subscribe_warehouse(
    "warehouse",
    about="Every action, each user's days and each user, for reports and segments.",
    package="casino_club.features.actions",
    table="actions",
    page_rows=WAREHOUSE_PAGE_ROWS,
    rest_seconds=WAREHOUSE_REST_SECONDS,
)
def warehouse(rows: Sequence[LogRow], calendar: Calendar) -> Block:
    times = [row.action_us for row in rows]
    amounts = [amounts_of(row.action_type, row.metadata) for row in rows]
    return block(
        (
            int64("id", [row.id for row in rows]),
            int64("user_id", [row.user_id for row in rows]),
            words("action_type", [row.action_type for row in rows]),
            days("day", [calendar.day_number(at_us) for at_us in times]),
            instants("action_timestamp", times),
            instants("appended_at", [row.appended_us for row in rows]),
            flags("by_user", [row.by_user for row in rows]),
            flags("is_play", [row.is_play for row in rows]),
            optional_int64("value", [row.value for row in rows]),
            uuids("round_id", [row.round_bytes for row in rows]),
            flags("in_round", [row.round_bytes is not None for row in rows]),
            int64("spent_tokens", [each.spent_tokens for each in amounts]),
            int64("earned_tokens", [each.earned_tokens for each in amounts]),
            int64("amount", [each.amount for each in amounts]),
            words("currency", [each.currency for each in amounts]),
            int64("staked", [each.staked for each in amounts]),
            int64("won", [each.won for each in amounts]),
            words("source", [each.source for each in amounts]),
            int32("streak", [row.streak for row in rows]),
            int32("day_plays", [row.day_plays for row in rows]),
            instants("last_play_at", [row.last_play_us for row in rows]),
            instants("last_action_at", [row.last_action_us for row in rows]),
            texts("metadata", [row.metadata for row in rows]),
        ),
        len(rows),
    )


def standing_of(row: LogRow) -> Standing:
    """The user's standing after this row."""
    return Standing(row.streak, row.day_plays, row.last_play_us, row.last_action_us)


@job("forget_refused", every=timedelta(hours=1), about="Deletes refused actions that have been kept long enough.")
async def forget_refused(work: Work) -> None:
    policy: RefusalPolicy = work.policies[RefusalPolicy]
    before = work.now - timedelta(days=policy.keep_days)
    forget = partial(refusals.forget_refused, before=before, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


LOG = kept(
    "log",
    about="Rows of the log, in the table, in exported files and wherever they are sent: they know users by number. "
    "Counts and odds could not be defended without them.",
)


@erase("actions", about="Refused actions that the user sent or that name them, and what readers said of their rows.")
async def erase_actions(reach: Reach, erased: Erased) -> None:
    """The log itself keeps its rows: it knows users by number."""

    async def forget(db: Db) -> None:
        await leaving.empty_refused_of(db, erased.user_id, at=erased.at)
        await parked.forget_reasons(db, erased.user_id)

    await reach.stores.database.run(forget)


@export(
    "actions",
    about="Everything that you did, or that was done for you, in the order in which it was recorded.",
    about_ko="회원님이 하신 일과 회원님을 위해 처리된 일 전부, 기록된 순서대로.",
)
async def export_actions(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    async for page in rows_of(reach.stores.database, reach.stores.files, user_id):
        for row in page:
            yield {name: getattr(row, name) for name in NAMES} | {"metadata": msgspec.Raw(row.metadata.encode())}


@export(
    "refused_actions",
    about="What your app sent and we could not accept, with the reason. It is deleted after some weeks.",
    about_ko="앱이 보냈지만 받아들이지 못한 것과 그 이유. 몇 주 뒤 삭제됩니다.",
)
async def export_refused(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    after_id = 0
    while True:
        async with reach.stores.database.connection() as db:
            page = await leaving.refused_of(db, user_id, after_id=after_id, limit=PAGE_ROWS)
        for row in page:
            yield dict(row)
        if len(page) < PAGE_ROWS:
            return
        after_id = page[-1]["id"]
