"""Which partitions of the log have to go, and what still needs them."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.infra.db.database import Db
from casino_club.infra.log.partitions import Partition, partitions_of

WRITERS_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the log stays in the table."""

    keep_days: int
    keep_partitions_max: int


async def due_partitions(db: Db, retention: Retention, *, now: datetime) -> list[Partition]:
    """Partitions that are too old or too many, oldest first. Never the one being written, nor those ahead of it."""
    last_id: int = await db.fetchval("SELECT last_value FROM action_ids")
    begun = [partition for partition in await partitions_of(db) if partition.first_id <= last_id]
    too_many = len(begun) - retention.keep_partitions_max
    before = now - timedelta(days=retention.keep_days)

    due: list[Partition] = []
    for partition in begun:
        is_full = partition.end_id <= last_id
        if not is_full or (len(due) >= too_many and not await _is_older(db, partition, before)):
            break
        due.append(partition)
    return due


async def _is_older(db: Db, partition: Partition, before: datetime) -> bool:
    """Whether all of its rows are. The last row is asked first: it spares reading partitions that are young."""
    older: bool = await db.fetchval(
        f"""SELECT coalesce((SELECT appended_at FROM {partition.name} ORDER BY id DESC LIMIT 1) < $1, true)
               AND NOT EXISTS (SELECT FROM {partition.name} WHERE appended_at >= $1)""",  # noqa: S608 - a name of ours
        before,
    )
    return older


async def writers_are_done(db: Db, *, seconds_max: float) -> bool:
    """Wait until every transaction is over that has begun to write by now.

    A transaction has its number before it draws ids. So those with higher numbers than ours draw ids above all that
    are drawn now, and what is full now will never be written again.
    """
    horizon: str = await db.fetchval("SELECT pg_current_xact_id()::text")
    deadline = time.monotonic() + seconds_max
    while not await db.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8", horizon):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(WRITERS_POLL_SECONDS)
    return True


async def needed_by(db: Db, partition: Partition) -> str | None:
    """A reader that may not have had all rows of the partition, of any generation; None if all have.

    Transaction numbers of rows up to the floor come from another cluster. Readers that carry those over go by id.
    """
    row = await db.fetchrow(
        f"""WITH newest AS (SELECT max(xact) AS xact FROM {partition.name}
                            WHERE id > coalesce((SELECT floor_id FROM log_origin), 0))
            SELECT consumer, generation FROM log_positions CROSS JOIN newest
            WHERE CASE WHEN carry_to IS NOT NULL THEN last_id < $1
                       ELSE coalesce(newest.xact >= pg_snapshot_xmin(delivered::pg_snapshot), false) END
            ORDER BY consumer, generation LIMIT 1""",  # noqa: S608 - a name of ours
        partition.end_id - 1,
    )
    if row is None:
        return None
    return f"the rebuild of {row[0]}" if row[1] else f"the consumer {row[0]}"
