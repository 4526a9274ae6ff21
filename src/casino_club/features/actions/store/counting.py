"""What was settled: counted in the transactions that settled it, and counted again from the rows."""

from datetime import datetime

import msgspec

from casino_club.features.actions.rules.admission import PLATFORM_SCOPE
from casino_club.features.actions.rules.counts import MinuteCounts, RowCounts
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import MINUTE_US, from_us


class IntakeCounts(msgspec.Struct, frozen=True, gc=False):
    """What one transaction settles, for the minute of its instant.

    What senders sent was `received`; it was accepted, a duplicate or refused. The platform's `own` was not sent.
    """

    now_us: int
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    own: int = 0

    @property
    def columns(self) -> tuple[datetime, int, int, int, int, int]:
        """As a row of `intake_counts`."""
        minute = from_us(self.now_us - self.now_us % MINUTE_US)
        return minute, self.received, self.accepted, self.duplicate, self.refused, self.own


async def count(db: Db, counts: IntakeCounts) -> None:
    """Count what this transaction settles. Each adds a row of its own, so that none waits for another."""
    await db.execute(
        """INSERT INTO intake_counts (minute, received, accepted, duplicate, refused, own)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        *counts.columns,
    )


async def take_counts(db: Db, *, since: str, until: str, floor_id: int) -> list[MinuteCounts]:
    """What transactions settled that the later snapshot shows and the earlier one does not, by minute.

    The intake's counts are taken away: they are the caller's to keep. Rows up to `floor_id` count as known.
    """
    words = await _take_intake_counts(db, until=until)
    rows = await _rows_between(db, since=since, until=until, floor_id=floor_id)
    kept = await _refused_between(db, since=since, until=until)
    minutes = sorted(words.keys() | rows.keys() | kept.keys())
    return [
        MinuteCounts(at, *words.get(at, (0,) * 5), stored=rows.get(at, RowCounts()), kept=kept.get(at, {}))
        for at in minutes
    ]


async def forget_counts(db: Db) -> None:
    """Drop the intake's counts that nobody has taken."""
    await db.execute("DELETE FROM intake_counts")


async def _take_intake_counts(db: Db, *, until: str) -> dict[datetime, tuple[int, int, int, int, int]]:
    rows = await db.fetch(
        """WITH taken AS (DELETE FROM intake_counts WHERE pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
                          RETURNING minute, received, accepted, duplicate, refused, own)
           SELECT minute, sum(received), sum(accepted), sum(duplicate), sum(refused), sum(own)
           FROM taken GROUP BY minute""",
        until,
    )
    return {minute: (received, *rest) for minute, received, *rest in rows}


async def _rows_between(db: Db, *, since: str, until: str, floor_id: int) -> dict[datetime, RowCounts]:
    rows = await db.fetch(
        """SELECT date_trunc('minute', appended_at), count(*), count(*) FILTER (WHERE scope = $4), min(id), max(id)
           FROM user_actions
           WHERE xact >= pg_snapshot_xmin($1::text::pg_snapshot) AND xact < pg_snapshot_xmax($2::text::pg_snapshot)
             AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)
             AND NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
             AND id > $3
           GROUP BY 1""",
        since,
        until,
        floor_id,
        PLATFORM_SCOPE,
    )
    return {minute: RowCounts(*counts) for minute, *counts in rows}


async def _refused_between(db: Db, *, since: str, until: str) -> dict[datetime, dict[str, int]]:
    rows = await db.fetch(
        """SELECT date_trunc('minute', received_at), code, count(*) FROM refused_actions
           WHERE xact >= pg_snapshot_xmin($1::text::pg_snapshot) AND xact < pg_snapshot_xmax($2::text::pg_snapshot)
             AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)
             AND NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
           GROUP BY 1, 2""",
        since,
        until,
    )
    kept: dict[datetime, dict[str, int]] = {}
    for minute, code, number in rows:
        kept.setdefault(minute, {})[code] = number
    return kept


async def recount(db: Db, *, first_id: int, last_id: int, until: str, floor_id: int) -> dict[datetime, tuple[int, int]]:
    """The rows between two ids that a snapshot shows, by minute: how many, and how many of the platform's own."""
    rows = await db.fetch(
        """SELECT date_trunc('minute', appended_at), count(*), count(*) FILTER (WHERE scope = $5) FROM user_actions
           WHERE id BETWEEN $1 AND $2 AND (id <= $4 OR pg_visible_in_snapshot(xact, $3::text::pg_snapshot))
           GROUP BY 1""",
        first_id,
        last_id,
        until,
        floor_id,
        PLATFORM_SCOPE,
    )
    return {row[0]: (row[1], row[2]) for row in rows}
