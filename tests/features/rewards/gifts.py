"""Rewards on a test's own database."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from casino_club.entry.wiring import load_amounts
from casino_club.features.protection.commands import resting
from casino_club.features.rewards.commands.granting import RewardPolicy, grant
from casino_club.features.rewards.commands.using import expire_coupons, use_coupon, use_free_spin
from casino_club.features.rewards.rules.rewards import Grant, Granted, Reward, RewardType
from casino_club.features.rewards.store import reading
from casino_club.features.rewards.store.reading import Filters, Holdings
from casino_club.infra.db.database import Database
from casino_club.infra.settings import Settings
from casino_club.kernel.ids import derived_uuid
from tests.builders.actions import NOON
from tests.features.protection.guarding import a_protection_policy
from tests.features.wallet.purse import a_wallet_policy

COUPON_LASTS = timedelta(days=30)
SAMPLES = {
    RewardType.COIN: Reward(RewardType.COIN, 500),
    RewardType.GEM: Reward(RewardType.GEM, 5),
    RewardType.CYBER_TOKEN: Reward(RewardType.CYBER_TOKEN, 200),
    RewardType.CONTENT_UNLOCK: Reward(RewardType.CONTENT_UNLOCK, 3),
    RewardType.XP: Reward(RewardType.XP, 30),
    RewardType.BADGE: Reward(RewardType.BADGE, 1, "star-badge"),
    RewardType.FREE_SPIN: Reward(RewardType.FREE_SPIN, 3, "slot-orchard"),
    RewardType.COUPON: Reward(RewardType.COUPON, 2, "double-xp"),
}
"""One of each type."""

_numbers = itertools.count(1)


AMOUNTS = load_amounts(Settings(data_dir=Path("nowhere")))


def a_reward_policy(*, alone_max: int = 1_000) -> RewardPolicy:
    return RewardPolicy(a_wallet_policy(), a_protection_policy(), AMOUNTS, COUPON_LASTS, alone_max)


def a_cause(text: str | None = None) -> UUID:
    """The same for the same text, or one of its own."""
    return derived_uuid("test", text or next(_numbers))


@dataclass(frozen=True)
class Gifts:
    """Grants for one user, each in a transaction of its own."""

    database: Database
    user_id: int = 7
    policy: RewardPolicy = field(default_factory=a_reward_policy)

    def of(self, user_id: int) -> "Gifts":
        return replace(self, user_id=user_id)

    async def give(
        self, reward: Reward, *, cause: UUID | None = None, now: datetime = NOON, reason: str = "mission"
    ) -> Granted:
        wanted = Grant(self.user_id, reward, reason, cause or a_cause())
        return await self.database.run(lambda db: grant(db, wanted, now=now, policy=self.policy))

    async def history(self) -> list[Granted]:
        async with self.database.connection() as db:
            return await reading.rewards_of(db, self.user_id, Filters(), before_id=None, limit=100)

    async def held(self, *, now: datetime = NOON) -> Holdings:
        async with self.database.connection() as db:
            return await reading.held_by(db, self.user_id, now=now)

    async def spin(self, game: str) -> None:
        await self.database.run(lambda db: use_free_spin(db, self.user_id, game))

    async def use(self, coupon: str, *, now: datetime = NOON) -> int:
        return await self.database.run(lambda db: use_coupon(db, self.user_id, coupon, now=now))

    async def expire(self, *, now: datetime) -> None:
        await expire_coupons(self.database, now=now, policy=self.policy.wallet.actions)

    async def exclude(self) -> None:
        protection = self.policy.protection
        await self.database.run(lambda db: resting.exclude(db, self.user_id, months=6, now=NOON, policy=protection))

    async def told(self) -> list[tuple[str, str, bool]]:
        """What the log was told: types, metadata, and whether the user did it."""
        async with self.database.connection() as db:
            rows = await db.fetch("SELECT action_type, metadata, by_user FROM user_actions ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows]
