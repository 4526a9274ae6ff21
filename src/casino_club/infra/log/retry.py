"""Applies parked rows again, now that their cause is mended. Neither a position nor a hot store's mark moves.

The effect and the row's release are one transaction. An effect in the hot store may be repeated, since it is guarded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casino_club.infra.log import parked
from casino_club.infra.log.choice import effect_of
from casino_club.infra.log.effects import AWAY, Stores
from casino_club.infra.log.reader import rows_with_ids
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Subscription

PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of parked rows. Those whose partition is detached are not in reach and stay parked."""

    applied: int = 0
    parked_again: int = 0
    out_of_reach: int = 0

    def plus(self, other: "Retried") -> "Retried":
        return Retried(
            self.applied + other.applied,
            self.parked_again + other.parked_again,
            self.out_of_reach + other.out_of_reach,
        )


async def retry_all(subscription: Subscription, stores: Stores) -> Retried:
    """Apply every parked row of this subscription once more, in the order of the log."""
    total, after_id = Retried(), 0
    while True:
        async with stores.database.connection() as db:
            rows = await parked.parked_rows(db, consumer=subscription.name, after_id=after_id, limit=PAGE_ROWS)
        if not rows:
            return total
        total = total.plus(await retry(subscription, stores, [row.action_id for row in rows]))
        after_id = rows[-1].action_id


async def retry_rested(subscription: Subscription, stores: Stores, *, now: datetime) -> Retried:
    """Apply those parked rows once more that have rested long enough since they were tried last."""
    total, after_id = Retried(), 0
    while True:
        async with stores.database.connection() as db:
            rows = await parked.rested_rows(db, subscription.name, now=now, after_id=after_id, limit=PAGE_ROWS)
        if not rows:
            return total
        total = total.plus(await retry(subscription, stores, [row.action_id for row in rows]))
        after_id = rows[-1].action_id


async def retry(subscription: Subscription, stores: Stores, ids: Sequence[int]) -> Retried:
    """Apply these rows once more if they are parked. Raises what is the stores' fault; nothing is parked for that."""
    async with stores.database.connection() as db:
        rows = await rows_with_ids(db, ids)
    total = Retried(out_of_reach=len(set(ids)) - len(rows))
    for row in rows:
        total = total.plus(await _retry_row(subscription, stores, row))
    return total


async def _retry_row(subscription: Subscription, stores: Stores, row: LogRow) -> Retried:
    try:
        async with stores.database.transaction() as db:
            if not await parked.claim(db, subscription.name, row.id):
                return Retried()
            if subscription.wants(row):
                await effect_of(subscription, stores).apply_apart(db, row)
            await parked.release(db, subscription.name, row.id)
    except AWAY:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever a subscriber raises is kept with the row
        async with stores.database.transaction() as db:
            await parked.park(db, subscription.name, row.id, reason=repr(failure), attempts=1)
        return Retried(parked_again=1)
    return Retried(applied=1)
