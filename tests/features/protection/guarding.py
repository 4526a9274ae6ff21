"""What protection is asked in tests, as slices above ask it: locked in the one order, in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from casino_club.features.actions.public import lock_users
from casino_club.features.protection.commands import limiting, resting
from casino_club.features.protection.commands.admitting import ProtectionPolicy, admit, settle
from casino_club.features.protection.commands.limiting import LimitHeld
from casino_club.features.protection.rules.counting import used
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.occasions import Admission, Occasion
from casino_club.features.protection.rules.periods import spans_at
from casino_club.features.protection.rules.standing import Standing, Status
from casino_club.features.protection.store import protections
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.clock import Calendar, to_us
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import NOON, a_policy

T = TypeVar("T")

COINS_DAY = Limit(Measure.COINS, Period.DAY)
COINS_WEEK = Limit(Measure.COINS, Period.WEEK)
TIME_DAY = Limit(Measure.TIME, Period.DAY)
PURCHASES_DAY = Limit(Measure.PURCHASES, Period.DAY)
STAFF = UserSubject(1_000)
DAY = timedelta(days=1)


def a_protection_policy(zone: str = "Asia/Seoul") -> ProtectionPolicy:
    return ProtectionPolicy(a_policy()._replace(calendar=Calendar(zone)))


@dataclass(frozen=True)
class Guard:
    """One user unless another is named."""

    database: Database
    policy: ProtectionPolicy
    user_id: int = 7

    def of(self, user_id: int) -> "Guard":
        return replace(self, user_id=user_id)

    async def run(self, work: Callable[[Db], Awaitable[T]]) -> T:
        return await self.database.run(work)

    async def admit(
        self, occasion: Occasion, amount: int = 0, *, currency: Currency | None = None, now: datetime = NOON
    ) -> Admission:
        async def work(db: Db) -> Admission:
            await lock_users(db, [self.user_id])
            return await admit(db, self.user_id, occasion, amount, currency=currency, now=now, policy=self.policy)

        return await self.run(work)

    async def bet(self, amount: int = 0, *, currency: Currency = Currency.COIN, now: datetime = NOON) -> Admission:
        return await self.admit(Occasion.BET, amount, currency=currency, now=now)

    async def settle(self, admission: Admission, returned: int) -> None:
        await self.run(lambda db: settle(db, admission, returned, policy=self.policy))

    async def limit(self, limit: Limit, amount: int | None, *, now: datetime = NOON) -> LimitHeld:
        return await self.run(
            lambda db: limiting.set_limit(db, self.user_id, limit, amount, now=now, policy=self.policy)
        )

    async def confirm_raise(self, limit: Limit, *, now: datetime) -> LimitHeld:
        return await self.run(lambda db: limiting.confirm_raise(db, self.user_id, limit, now=now, policy=self.policy))

    async def drop_raise(self, limit: Limit, *, now: datetime = NOON) -> None:
        await self.run(lambda db: limiting.drop_raise(db, self.user_id, limit, now=now))

    async def impose(self, status: Status, *, days: int | None = None, now: datetime = NOON) -> Standing:
        return await self.run(
            lambda db: resting.impose(
                db, self.user_id, status, days=days, because="a test", by=STAFF, now=now, policy=self.policy
            )
        )

    async def pause(self, hours: int = 24, *, now: datetime = NOON) -> Standing:
        return await self.run(lambda db: resting.pause(db, self.user_id, hours=hours, now=now, policy=self.policy))

    async def exclude(self, months: int = 6, *, now: datetime = NOON) -> Standing:
        return await self.run(lambda db: resting.exclude(db, self.user_id, months=months, now=now, policy=self.policy))

    async def ask_return(self, *, now: datetime) -> Standing:
        return await self.run(lambda db: resting.ask_return(db, self.user_id, now=now, policy=self.policy))

    async def confirm_return(self, *, now: datetime) -> Standing:
        return await self.run(lambda db: resting.confirm_return(db, self.user_id, now=now, policy=self.policy))

    async def used(self, limit: Limit, *, now: datetime = NOON) -> int:
        async with self.database.connection() as db:
            held = await protections.protection_of(db, self.user_id)
        return used(held.counts, limit, spans_at(self.policy.actions.calendar, to_us(now)))

    async def told(self) -> list[tuple[str, str]]:
        """What the log was told of the user: types and metadata."""
        async with self.database.connection() as db:
            rows = await db.fetch(
                "SELECT action_type, metadata FROM user_actions WHERE user_id = $1 ORDER BY id", self.user_id
            )
        return [(row[0], row[1]) for row in rows]
