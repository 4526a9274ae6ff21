"""Rows that kept failing: set aside with a reason, so that the rest goes on, until staff have them tried again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from casino_club.infra.db.database import Db

REASON_LENGTH_MAX = 2_000


class ParkedRow(NamedTuple):
    """A row of the log that a consumer could not apply."""

    consumer: str
    action_id: int
    reason: str
    attempts: int
    parked_at: datetime


async def park(db: Db, consumer: str, action_id: int, *, reason: str, attempts: int) -> None:
    """Set a row aside; parking it again adds to its attempts."""
    await db.execute(
        """INSERT INTO parked_rows AS p (consumer, action_id, reason, attempts, parked_at)
           VALUES ($1, $2, $3, $4, now())
           ON CONFLICT (consumer, action_id)
           DO UPDATE SET reason = excluded.reason, attempts = p.attempts + excluded.attempts, parked_at = now()""",
        consumer,
        action_id,
        reason[:REASON_LENGTH_MAX],
        attempts,
    )


async def parked_rows(
    db: Db, *, consumer: str | None = None, after_id: int = 0, after_consumer: str = "\U0010ffff", limit: int = 100
) -> list[ParkedRow]:
    """Parked rows in the order of the log, behind all of an id, or behind that id's row of one consumer."""
    rows = await db.fetch(
        """SELECT consumer, action_id, reason, attempts, parked_at FROM parked_rows
           WHERE ($1::text IS NULL OR consumer = $1) AND (action_id, consumer COLLATE "C") > ($2, $4)
           ORDER BY action_id, consumer COLLATE "C" LIMIT $3""",
        consumer,
        after_id,
        limit,
        after_consumer,
    )
    return [ParkedRow(*row) for row in rows]


async def is_parked(db: Db, consumer: str, action_id: int) -> bool:
    """Whether this row is parked."""
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM parked_rows WHERE consumer = $1 AND action_id = $2)", consumer, action_id
    )
    return found


async def parked_among(db: Db, consumer: str, ids: Sequence[int]) -> set[int]:
    """Those of these rows that are parked."""
    rows = await db.fetch(
        "SELECT action_id FROM parked_rows WHERE consumer = $1 AND action_id = ANY($2)", consumer, ids
    )
    return {row[0] for row in rows}


async def rested_rows(db: Db, consumer: str, *, now: datetime, after_id: int, limit: int) -> list[ParkedRow]:
    """Those of this consumer that may be tried again by themselves: each attempt doubles the pause, up to a day."""
    rows = await db.fetch(
        """SELECT consumer, action_id, reason, attempts, parked_at FROM parked_rows
           WHERE consumer = $1 AND action_id > $2
             AND parked_at < $3::timestamptz - least(make_interval(mins => 1 << least(attempts, 12)), interval '1 day')
           ORDER BY action_id LIMIT $4""",
        consumer,
        after_id,
        now,
        limit,
    )
    return [ParkedRow(*row) for row in rows]


async def release(db: Db, consumer: str, action_id: int) -> bool:
    """Forget a parked row, now that it is applied or given up; False if there was none."""
    gone = await db.fetchval(
        "DELETE FROM parked_rows WHERE consumer = $1 AND action_id = $2 RETURNING 1", consumer, action_id
    )
    return gone is not None


async def forget_reasons(db: Db, user_id: int) -> None:
    """Empty the reasons of the user's parked rows, which may quote them; the rows stay parked.

    Whose a row in a file is can't be seen from here, so those lose their reasons as well.
    """
    await db.execute(
        """UPDATE parked_rows AS p SET reason = ''
           WHERE p.action_id <= (SELECT max(last_id) FROM detached_partitions)
              OR EXISTS (SELECT FROM user_actions AS a WHERE a.id = p.action_id AND a.user_id = $1)""",
        user_id,
    )


async def release_parked_before(db: Db, consumer: str, instant: datetime) -> None:
    """Forget the rows that were parked, and not parked again, before an instant."""
    await db.execute("DELETE FROM parked_rows WHERE consumer = $1 AND parked_at < $2", consumer, instant)


async def claim(db: Db, consumer: str, action_id: int) -> bool:
    """Hold a parked row until the transaction ends; False if it is gone, or somebody else holds it."""
    found = await db.fetchval(
        "SELECT 1 FROM parked_rows WHERE consumer = $1 AND action_id = $2 FOR UPDATE SKIP LOCKED", consumer, action_id
    )
    return found is not None


async def counts(db: Db) -> dict[str, int]:
    """How many rows are parked, by consumer; those that have none are left out."""
    rows = await db.fetch("SELECT consumer, count(*) FROM parked_rows GROUP BY consumer ORDER BY consumer")
    return {row[0]: row[1] for row in rows}


async def release_all(db: Db, consumer: str) -> int:
    """Forget every parked row of a consumer that is no more; how many."""
    return int(str(await db.execute("DELETE FROM parked_rows WHERE consumer = $1", consumer)).split()[1])
