"""How far each reader is behind the log, and which transaction keeps readers from moving on."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from prometheus_client import Metric

from casino_club.infra.db.database import Database, Db
from casino_club.infra.telemetry.metrics import sample

ROWS_COUNTED_MAX = 100_000


class Lag(NamedTuple):
    """One reader's distance from the log's end. `rows` stops counting at 100,000."""

    consumer: str
    generation: int
    rows: int
    seconds: float
    moved_at: datetime


class Holder(NamedTuple):
    """The oldest open transaction: rows since it began are looked at again in every pass of every reader."""

    pid: int
    application: str
    seconds: float
    state: str


async def lags(db: Db) -> list[Lag]:
    """Every reader's lag, live ones and rebuilds."""
    rows = await db.fetch(
        """SELECT p.consumer, p.generation, waiting.rows, coalesce(waiting.seconds, 0), p.moved_at
           FROM log_positions AS p CROSS JOIN LATERAL (
               SELECT count(*) AS rows, extract(epoch FROM clock_timestamp() - min(w.appended_at))::float8 AS seconds
               FROM (SELECT a.appended_at FROM user_actions AS a
                     WHERE p.carry_to IS NULL
                       AND a.xact >= pg_snapshot_xmin(p.delivered::pg_snapshot)
                       AND a.xact < pg_snapshot_xmax(pg_current_snapshot())
                       AND NOT pg_visible_in_snapshot(a.xact, p.delivered::pg_snapshot)
                       AND NOT coalesce(pg_visible_in_snapshot(a.xact, p.delivering::pg_snapshot)
                                        AND a.id <= p.last_id, false)
                       AND NOT coalesce(topic_covers(p.topic, a.user_id, a.xact, a.id), false)
                       AND a.id > coalesce((SELECT floor_id FROM log_origin), 0)
                     UNION ALL
                     SELECT a.appended_at FROM user_actions AS a
                     WHERE a.id > p.last_id AND p.carry_to IS NOT NULL
                       AND (a.id > least(p.judged_to, p.carry_to)
                            OR NOT pg_visible_in_snapshot(a.xact, p.delivered::pg_snapshot)
                               AND NOT coalesce(pg_visible_in_snapshot(a.xact, p.delivering::pg_snapshot)
                                                AND a.id <= p.judged_id, false)
                            AND NOT coalesce(topic_covers(p.topic, a.user_id, a.xact, a.id), false))
                     LIMIT $1) AS w) AS waiting
           ORDER BY p.consumer, p.generation""",
        ROWS_COUNTED_MAX,
    )
    return [Lag(*row) for row in rows]


def silent_seconds(lag: Lag) -> float:
    """How long its position has not been written down. A live reader does it every ten seconds, come what may."""
    return max(0.0, (datetime.now(UTC) - lag.moved_at).total_seconds())


async def oldest_transaction(db: Db, *, older_than_seconds: float = 5.0) -> Holder | None:
    """The transaction that holds readers back, if one is that old."""
    row = await db.fetchrow(
        """SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::float8, state
           FROM pg_stat_activity
           WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()
             AND xact_start < clock_timestamp() - make_interval(secs => $1)
           ORDER BY xact_start LIMIT 1""",
        older_than_seconds,
    )
    return None if row is None else Holder(*row)


async def lag_metrics(database: Database) -> Iterable[Metric]:
    """The live readers' lag, for a scrape."""
    async with database.connection() as db:
        live = [lag for lag in await lags(db) if lag.generation == 0]
    return [
        sample("casino_club_log_lag_rows", {(lag.consumer,): lag.rows for lag in live}),
        sample("casino_club_log_lag_seconds", {(lag.consumer,): lag.seconds for lag in live}),
        sample("casino_club_log_silent_seconds", {(lag.consumer,): silent_seconds(lag) for lag in live}),
    ]
