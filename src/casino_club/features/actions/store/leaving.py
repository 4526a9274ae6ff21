"""What is left to do in this slice with somebody who goes."""

from datetime import datetime

import asyncpg

from casino_club.infra.db.database import Db


async def close_user(db: Db, user_id: int, *, at: datetime) -> None:
    """Forget the user's standing and take no more rows of theirs."""
    await db.execute(
        """INSERT INTO action_user (user_id, erased_at) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE
           SET last_play_us = 0, last_action_us = 0, streak = 0, day_plays = 0, erased_at = $2""",
        user_id,
        at,
    )


async def is_erased(db: Db, user_id: int) -> bool:
    """Whether the log takes no more rows of this user."""
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM action_user WHERE user_id = $1 AND erased_at IS NOT NULL)", user_id
    )
    return found


async def refused_of(db: Db, user_id: int, *, after_id: int, limit: int) -> list[asyncpg.Record]:
    """Refused actions that the user has sent, or that name them, oldest first, of those behind an id."""
    rows: list[asyncpg.Record] = await db.fetch(
        """SELECT id, received_at, code, message, body, status FROM refused_actions
           WHERE id > $2 AND (sender_user_id = $1 OR body ~ $3) ORDER BY id LIMIT $4""",
        user_id,
        after_id,
        _naming(user_id),
        limit,
    )
    return rows


async def empty_refused_of(db: Db, user_id: int, *, at: datetime) -> None:
    """Empty what the user has sent and what names them, and close it. That it was refused still counts."""
    await db.execute(
        """UPDATE refused_actions
           SET sender_user_id = NULL, message = '', body = '',
               status = CASE status WHEN 'open' THEN 'dismissed' ELSE status END, settled_at = coalesce(settled_at, $3)
           WHERE sender_user_id = $1 OR body ~ $2""",
        user_id,
        _naming(user_id),
        at,
    )


def _naming(user_id: int) -> str:
    """Bodies need not be JSON, so they are searched as text."""
    return rf'"user_id"\s*:\s*"?{user_id}(?![0-9])'
