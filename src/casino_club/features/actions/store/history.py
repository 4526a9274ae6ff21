"""A user's own actions."""

import asyncpg

from casino_club.infra.db.database import Db


async def history(
    db: Db, user_id: int, *, before_id: int | None, action_type: str | None, limit: int
) -> list[asyncpg.Record]:
    """A user's actions, newest first."""
    rows: list[asyncpg.Record] = await db.fetch(
        """SELECT id, action_type, value, metadata, action_timestamp, client_action_id, streak
           FROM user_actions
           WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR action_type = $3)
           ORDER BY id DESC LIMIT $4""",
        user_id,
        before_id,
        action_type,
        limit,
    )
    return rows
