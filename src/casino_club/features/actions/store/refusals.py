"""Refused actions and their review."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from casino_club.infra.db.database import Db


class RefusedRow(NamedTuple):
    """A refused action, to be kept."""

    scope: int
    sender_user_id: int | None
    code: str
    message: str
    body: str


async def keep_refused(db: Db, rows: Sequence[RefusedRow], *, now: datetime) -> None:
    """Keep refused actions for review."""
    scope, sender, code, message, body = zip(*rows, strict=True)
    await db.execute(
        """INSERT INTO refused_actions (received_at, scope, sender_user_id, code, message, body)
           SELECT $1, v.* FROM unnest($2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[]) AS v""",
        now,
        scope,
        sender,
        code,
        message,
        body,
    )


async def refused(db: Db, *, status: str, code: str | None, after_id: int | None, limit: int) -> list[asyncpg.Record]:
    """Refused actions, oldest first."""
    rows: list[asyncpg.Record] = await db.fetch(
        """SELECT id, received_at, sender_user_id, code, message, body, status, action_id
           FROM refused_actions
           WHERE status = $1 AND ($2::text IS NULL OR code = $2) AND id > coalesce($3::bigint, 0)
           ORDER BY id LIMIT $4""",
        status,
        code,
        after_id,
        limit,
    )
    return rows


async def count_refused(db: Db, *, status: str) -> int:
    """How many refused actions are in this state."""
    found: int = await db.fetchval("SELECT count(*) FROM refused_actions WHERE status = $1", status)
    return found


async def find_refused(db: Db, refused_id: int) -> asyncpg.Record | None:
    """One refused action."""
    return await db.fetchrow(
        "SELECT id, received_at, scope, sender_user_id, body, status FROM refused_actions WHERE id = $1", refused_id
    )


async def settle_refused(
    db: Db, refused_id: int, *, status: str, action_id: int | None, now: datetime
) -> asyncpg.Record | None:
    """Settle an open refused action; None if it is settled already."""
    return await db.fetchrow(
        """UPDATE refused_actions SET status = $2, action_id = $3, settled_at = $4
           WHERE id = $1 AND status = 'open' RETURNING id, status, action_id""",
        refused_id,
        status,
        action_id,
        now,
    )


async def forget_refused(db: Db, *, before: datetime, limit: int) -> int:
    """Delete refused actions received before an instant, a bounded number at a time; how many went."""
    gone: int = await db.fetchval(
        """WITH gone AS (DELETE FROM refused_actions WHERE id IN
             (SELECT id FROM refused_actions WHERE received_at < $1 ORDER BY id LIMIT $2) RETURNING 1)
           SELECT count(*) FROM gone""",
        before,
        limit,
    )
    return gone
