"""Every statement about minutes and what became of their actions."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from casino_club.features.operations.rules import Minute
from casino_club.infra.db.database import Db

_COLUMNS = ", ".join(Minute.__dataclass_fields__)


async def turn_is_ours(db: Db) -> bool:
    """Whether nobody else takes stock just now; holds until the transaction ends."""
    ours: bool = await db.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('conservation'))")
    return ours


async def snapshot(db: Db) -> str:
    """What this transaction sees."""
    text: str = await db.fetchval("SELECT pg_current_snapshot()::text")
    return text


async def minutes_at(db: Db, minutes: Sequence[datetime]) -> list[Minute]:
    """These minutes, as far as anything is known of them."""
    return _minutes(
        await db.fetch(f"SELECT {_COLUMNS} FROM conservation_minutes WHERE minute = ANY($1) ORDER BY minute", minutes)  # noqa: S608 - constant columns
    )


async def open_minutes(db: Db, *, limit: int) -> list[Minute]:
    """The first minutes that have not closed."""
    return _minutes(
        await db.fetch(
            f"SELECT {_COLUMNS} FROM conservation_minutes WHERE closed_at IS NULL ORDER BY minute LIMIT $1",  # noqa: S608 - as above
            limit,
        )
    )


async def newest_minutes(db: Db, *, before: datetime | None, is_open: bool | None, limit: int) -> list[Minute]:
    """Minutes, newest first."""
    return _minutes(
        await db.fetch(
            f"""SELECT {_COLUMNS} FROM conservation_minutes
                WHERE ($1::timestamptz IS NULL OR minute < $1) AND ($2::boolean IS NULL OR (closed_at IS NULL) = $2)
                ORDER BY minute DESC LIMIT $3""",  # noqa: S608 - as above
            before,
            is_open,
            limit,
        )
    )


async def closed_minutes(db: Db, *, since: datetime, before: datetime) -> list[Minute]:
    """Closed minutes of a time, oldest first."""
    return _minutes(
        await db.fetch(
            f"""SELECT {_COLUMNS} FROM conservation_minutes
                WHERE minute >= $1 AND minute < $2 AND closed_at IS NOT NULL ORDER BY minute""",  # noqa: S608 - as above
            since,
            before,
        )
    )


async def save_minutes(db: Db, minutes: Sequence[Minute]) -> None:
    """Write minutes down as they are now."""
    await db.executemany(
        f"""INSERT INTO conservation_minutes ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (minute) DO UPDATE
            SET received = excluded.received, accepted = excluded.accepted, duplicate = excluded.duplicate,
                refused = excluded.refused, own = excluded.own, stored = excluded.stored,
                stored_own = excluded.stored_own, kept = excluded.kept, first_id = excluded.first_id,
                last_id = excluded.last_id, elsewhere = excluded.elsewhere, changed_at = excluded.changed_at,
                closed_at = excluded.closed_at""",  # noqa: S608 - as above
        [_values(minute) for minute in minutes],
    )


async def forget_open_minutes(db: Db) -> int:
    """Drop the minutes that have not closed; how many went."""
    gone: int = await db.fetchval(
        """WITH gone AS (DELETE FROM conservation_minutes WHERE closed_at IS NULL RETURNING 1)
           SELECT count(*) FROM gone"""
    )
    return gone


async def forget_minutes(db: Db, *, before: datetime, limit: int) -> int:
    """Delete closed minutes of long ago, a bounded number at a time; how many went."""
    gone: int = await db.fetchval(
        """WITH gone AS (DELETE FROM conservation_minutes WHERE minute IN
             (SELECT minute FROM conservation_minutes WHERE minute < $1 AND closed_at IS NOT NULL
              ORDER BY minute LIMIT $2) RETURNING 1)
           SELECT count(*) FROM gone""",
        before,
        limit,
    )
    return gone


def _minutes(rows: Sequence[asyncpg.Record]) -> list[Minute]:
    return [
        msgspec.convert({**row, "kept": _json(row["kept"]), "elsewhere": _json(row["elsewhere"])}, Minute)
        for row in rows
    ]


def _json(text: str) -> dict[str, int]:
    return msgspec.json.decode(text, type=dict[str, int])


def _values(minute: Minute) -> list[object]:
    values = [getattr(minute, name) for name in Minute.__dataclass_fields__]
    return [msgspec.json.encode(value).decode() if isinstance(value, dict) else value for value in values]
