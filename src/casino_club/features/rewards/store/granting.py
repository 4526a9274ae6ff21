"""Statements that give: the history, and what is left of badges, coupons and free spins."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from casino_club.features.rewards.rules.rewards import Grant, Granted, Reward, RewardType
from casino_club.infra.db.database import Db

COLUMNS = "id, user_id, reward_type, reward_value, reference, reason, awarded_at, trigger_action_id"


async def made(db: Db, reason: str, cause: UUID) -> Granted | None:
    """What this reason and cause gave."""
    row = await db.fetchrow(
        f"SELECT {COLUMNS} FROM user_rewards WHERE reason = $1 AND cause = $2",  # noqa: S608 - constant columns
        *(reason, cause),
    )
    return None if row is None else granted(row)


def granted(row: asyncpg.Record) -> Granted:
    """A row of the history."""
    reward = Reward(RewardType(row["reward_type"]), row["reward_value"], row["reference"])
    return Granted(row["id"], row["user_id"], reward, row["reason"], row["awarded_at"], row["trigger_action_id"])


async def add(db: Db, grant: Grant, *, now: datetime) -> Granted:
    """Write a grant down. Raises UniqueViolationError if its reason and cause have given something meanwhile."""
    reward = grant.reward
    row = await db.fetchrow(
        f"""INSERT INTO user_rewards
            (user_id, reward_type, reward_value, reference, reason, cause, awarded_at, trigger_action_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}""",  # noqa: S608 - constant columns
        *(grant.user_id, reward.type, reward.value, reward.reference),
        *(grant.reason, grant.cause, now, grant.trigger_action_id),
    )
    assert row is not None
    return granted(row)


async def add_badge(db: Db, user_id: int, badge: str, *, now: datetime) -> None:
    """Whoever has the badge keeps it as it was."""
    await db.execute("INSERT INTO user_badges VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", user_id, badge, now)


async def add_coupon(db: Db, grant: Granted, *, expires_at: datetime) -> None:
    """A coupon of its own for each grant."""
    await db.execute(
        "INSERT INTO coupons (reward_id, user_id, coupon, value, expires_at) VALUES ($1, $2, $3, $4, $5)",
        *(grant.id, grant.user_id, grant.reward.reference, grant.reward.value, expires_at),
    )


async def add_spins(db: Db, user_id: int, game: str, spins: int) -> None:
    """More free spins."""
    await db.execute(
        """INSERT INTO free_spins AS f (user_id, game, spins) VALUES ($1, $2, $3)
           ON CONFLICT (user_id, game) DO UPDATE SET spins = f.spins + excluded.spins""",
        *(user_id, game, spins),
    )


async def take_spin(db: Db, user_id: int, game: str) -> bool:
    """One spin less, of the game's own first; False if there is none. The user is locked."""
    taken: bool = await db.fetchval(
        """WITH taken AS (UPDATE free_spins SET spins = spins - 1
                          WHERE user_id = $1 AND game = (
                              SELECT game FROM free_spins WHERE user_id = $1 AND game IN ($2, '') AND spins > 0
                              ORDER BY game DESC LIMIT 1)
                          RETURNING 1)
           SELECT EXISTS (SELECT FROM taken)""",
        *(user_id, game),
    )
    return taken


async def take_coupon(db: Db, user_id: int, coupon: str, *, now: datetime) -> int | None:
    """Use the one that runs out first; its value, or None if there is none. The user is locked."""
    value: int | None = await db.fetchval(
        """UPDATE coupons SET used_at = $3 WHERE reward_id = (
               SELECT reward_id FROM coupons
               WHERE user_id = $1 AND coupon = $2 AND used_at IS NULL AND expired_at IS NULL AND expires_at > $3
               ORDER BY expires_at, reward_id LIMIT 1)
           RETURNING value""",
        *(user_id, coupon, now),
    )
    return value


class Expiring(NamedTuple):
    """A coupon whose time is over."""

    reward_id: int
    user_id: int
    coupon: str


async def run_out(db: Db, *, now: datetime, limit: int) -> list[Expiring]:
    """Coupons that have run out and were not used, the longest over first."""
    rows = await db.fetch(
        """SELECT reward_id, user_id, coupon FROM coupons
           WHERE used_at IS NULL AND expired_at IS NULL AND expires_at <= $1 ORDER BY expires_at, reward_id LIMIT $2""",
        *(now, limit),
    )
    return [Expiring(*row) for row in rows]


async def expire(db: Db, reward_ids: Sequence[int], *, now: datetime) -> set[int]:
    """End these coupons; those that nobody had ended before."""
    rows = await db.fetch(
        """UPDATE coupons SET expired_at = $2
           WHERE reward_id = ANY($1::bigint[]) AND used_at IS NULL AND expired_at IS NULL RETURNING reward_id""",
        *(reward_ids, now),
    )
    return {row[0] for row in rows}
