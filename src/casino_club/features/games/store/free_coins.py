"""Statements about who took free coins when."""

from datetime import datetime

from casino_club.infra.db.database import Db


async def taken_at(db: Db, user_id: int) -> datetime | None:
    """When the user last took any."""
    found: datetime | None = await db.fetchval("SELECT free_coins_at FROM game_standings WHERE user_id = $1", user_id)
    return found


async def take(db: Db, user_id: int, *, at: datetime) -> None:
    """Keep that the user, who is locked, takes some."""
    await db.execute(
        """INSERT INTO game_standings (user_id, free_coins_at) VALUES ($1, $2)
           ON CONFLICT (user_id) DO UPDATE SET free_coins_at = excluded.free_coins_at""",
        *(user_id, at),
    )
