"""Statements that read what users were given and have left."""

from datetime import datetime
from typing import NamedTuple

from casino_club.features.rewards.rules.rewards import Granted, RewardType
from casino_club.features.rewards.store.granting import COLUMNS, granted
from casino_club.infra.db.database import Db

HELD_MAX = 500


class Filters(NamedTuple):
    """Which part of a history; `until` itself is not part of it."""

    reward_type: RewardType | None = None
    since: datetime | None = None
    until: datetime | None = None


async def rewards_of(db: Db, user_id: int, filters: Filters, *, before_id: int | None, limit: int) -> list[Granted]:
    """The user's rewards, newest first."""
    rows = await db.fetch(
        f"""SELECT {COLUMNS} FROM user_rewards
            WHERE user_id = $1 AND ($2::text IS NULL OR reward_type = $2)
              AND ($3::timestamptz IS NULL OR awarded_at >= $3) AND ($4::timestamptz IS NULL OR awarded_at < $4)
              AND ($5::bigint IS NULL OR id < $5)
            ORDER BY id DESC LIMIT $6""",  # noqa: S608 - constant columns
        *(user_id, *filters, before_id, limit),
    )
    return [granted(row) for row in rows]


class Badge(NamedTuple):
    """A badge, and since when the user has it."""

    badge: str
    awarded_at: datetime


class Coupon(NamedTuple):
    """A coupon that can still be used."""

    reward_id: int
    coupon: str
    value: int
    expires_at: datetime


class Spins(NamedTuple):
    """Free spins of a game; of any, if none is named."""

    game: str
    spins: int


class Holdings(NamedTuple):
    """What a user has of things that are no money."""

    badges: list[Badge]
    coupons: list[Coupon]
    free_spins: list[Spins]


async def held_by(db: Db, user_id: int, *, now: datetime | None = None) -> Holdings:
    """Badges, coupons by when they run out, and free spins. Without a time, coupons that have yet to be ended count."""
    badges = await db.fetch(
        "SELECT badge, awarded_at FROM user_badges WHERE user_id = $1 ORDER BY awarded_at, badge LIMIT $2",
        *(user_id, HELD_MAX),
    )
    open_coupons = await db.fetch(
        """SELECT reward_id, coupon, value, expires_at FROM coupons
           WHERE user_id = $1 AND used_at IS NULL AND expired_at IS NULL
             AND ($2::timestamptz IS NULL OR expires_at > $2)
           ORDER BY expires_at, reward_id LIMIT $3""",
        *(user_id, now, HELD_MAX),
    )
    spins = await db.fetch(
        "SELECT game, spins FROM free_spins WHERE user_id = $1 AND spins > 0 ORDER BY game LIMIT $2",
        *(user_id, HELD_MAX),
    )
    return Holdings(
        [Badge(*row) for row in badges], [Coupon(*row) for row in open_coupons], [Spins(*row) for row in spins]
    )


async def forget(db: Db, user_id: int) -> None:
    """Take what the user has left, and what staff proposed; the history stays, and so do their deeds."""
    await db.execute("DELETE FROM user_badges WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM coupons WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM free_spins WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM bonus_terms WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM reward_proposals WHERE user_id = $1", user_id)
