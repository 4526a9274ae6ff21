"""Attempts that are counted."""

from datetime import datetime

from casino_club.infra.db.database import Db


async def count_attempt(db: Db, key: bytes, *, since: datetime, now: datetime) -> tuple[int, datetime]:
    """Count one more; how many there were since the first of the window, and when that was."""
    row = await db.fetchrow(
        "INSERT INTO attempts AS a (key, began_at, tries) VALUES ($1, $2, 1) ON CONFLICT (key) DO UPDATE SET"
        " tries = CASE WHEN a.began_at <= $3 THEN 1 ELSE a.tries + 1 END,"
        " began_at = CASE WHEN a.began_at <= $3 THEN $2 ELSE a.began_at END"
        " RETURNING tries, began_at",
        *(key, now, since),
    )
    assert row is not None
    return row["tries"], row["began_at"]


async def forget_attempt(db: Db, key: bytes) -> None:
    """Begin to count anew."""
    await db.execute("DELETE FROM attempts WHERE key = $1", key)


async def forget_attempts(db: Db, *, before: datetime, limit: int) -> int:
    """Delete some that count no more; how many."""
    gone = await db.execute(
        "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE began_at < $1 LIMIT $2"
        " FOR UPDATE SKIP LOCKED)",
        *(before, limit),
    )
    return int(gone.split()[1])
