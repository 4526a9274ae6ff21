"""A process dies at every step of a purchase, and of a refund; the job goes on from there, and everything is once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from casino_club.features.shop.rules.purchases import State
from casino_club.infra.db.database import Database, Db
from casino_club.infra.payments import Payment, PaymentState
from tests.builders.actions import NOON
from tests.features.shop.counter import DAY, MINUTE, Bank, Counter, a_purchase_key

T = TypeVar("T")

KEY = a_purchase_key("the one that dies")
STEPS_MAX = 40


class Killed(BaseException):
    """The process is no more: nothing of ours may catch this."""


@dataclass
class Fuse:
    """Burns down with every step; who comes to its end dies."""

    left: int | None = None
    passed: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.passed.append(name)
        if self.left is not None:
            if not self.left:
                raise Killed(name)
            self.left -= 1


class DyingDatabase(Database):
    """Dies before a transaction commits, or right after it."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url, connections_max=4)
        self._fuse = fuse

    async def run(self, work: Callable[[Db], Awaitable[T]], *, first: str = "") -> T:
        async def dying(db: Db) -> T:
            done = await work(db)
            self._fuse.step("before COMMIT")
            return done

        result = await super().run(dying, first=first)
        self._fuse.step("after COMMIT")
        return result


class DyingBank(Bank):
    """Dies before the provider is asked, or once it has done what it was asked for."""

    def __init__(self, bank: Bank, fuse: Fuse) -> None:
        super().__init__(bank.payments, bank.calls)
        self._fuse = fuse

    def _hear(self, call: str) -> None:
        self._fuse.step(f"before {call}")
        super()._hear(call)

    def _answer(self, payment: Payment) -> Payment:
        self._fuse.step("before its answer")
        return super()._answer(payment)


async def a_life(counter: Counter) -> None:
    """All of a purchase, paid in between, and given back."""
    pending = await counter.buy("package", purchase_key=KEY)
    if counter.bank.payments[pending.payment_key].state is PaymentState.PENDING:
        counter.bank.says(pending, PaymentState.PAID)
    settled = await counter.pursue(pending, now=NOON + MINUTE)
    if settled.state is State.SETTLED:
        await counter.give_back(settled, now=NOON + MINUTE)


async def a_late_life(counter: Counter) -> None:
    """A purchase that expires, and is paid then."""
    pending = await counter.buy("package", purchase_key=KEY)
    expired = await counter.pursue(pending, now=NOON + DAY)
    if expired.state is State.EXPIRED:
        counter.bank.says(expired, PaymentState.PAID)
        await counter.pursue(expired, now=NOON + DAY)


LIVES = {"paid and given back": a_life, "expired and paid late": a_late_life}


@pytest.mark.parametrize("name", LIVES)
async def test_whoever_dies_at_whatever_step_leaves_nothing_undone(
    counter: Counter, database_url: str, name: str
) -> None:
    live, died = LIVES[name], list[str]()
    for step in range(STEPS_MAX):
        user_id, fuse = 1_000 + step, Fuse(left=step)
        async with DyingDatabase(database_url, fuse) as database:
            bank = DyingBank(counter.bank, fuse)
            desk = replace(counter.desk, database=database, provider=bank)
            dying = OfUser(database, counter.wallet, desk, bank, user_id)
            try:
                await live(dying)
            except Killed as killed:
                died.append(str(killed))
            else:
                break
        await _goes_on(OfUser(counter.database, counter.wallet, counter.desk, counter.bank, user_id))

    assert len(died) >= 8, died
    assert await counter.broken() == {}
    assert {"before COMMIT", "after COMMIT", "before create", "before refund", "before its answer"} <= set(died)


@dataclass(frozen=True)
class OfUser(Counter):
    """The same for another user."""

    user_id: int = 0

    def wanted(self, item_id: str, **more: Any) -> Any:
        return super().wanted(item_id, **{"user_id": self.user_id, **more})


async def _goes_on(counter: OfUser) -> None:
    """The user sends the purchase again, pays whatever waits for them, and wants it back; the job does the rest."""
    purchase = await counter.buy("package", purchase_key=KEY)
    if counter.bank.payments[purchase.payment_key].state is PaymentState.PENDING:
        counter.bank.says(purchase, PaymentState.PAID)
    for minutes in (1, 30, 60 * 24, 60 * 24 * 3):
        await counter.pursue_due(now=NOON + minutes * MINUTE)
    purchase = await counter.kept(purchase)
    if purchase.state is State.SETTLED:
        assert await counter.holds(counter.user_id) == {"paid_gems": 100, "spins": 10}
        await counter.give_back(purchase, now=NOON + DAY)
        purchase = await counter.kept(purchase)

    payment = counter.bank.payments[purchase.payment_key]
    paid = payment.state is PaymentState.PAID
    assert purchase.state is (State.REFUNDED if paid else State.EXPIRED)
    assert payment.refunded_krw == (payment.amount_krw if paid else 0)
    assert await counter.holds(counter.user_id) == {}
    assert await counter.counted_krw(counter.user_id) == 0
    async with counter.database.connection() as db:
        rows = await db.fetch(
            "SELECT action_type FROM user_actions WHERE user_id = $1 AND action_type LIKE 'PURCHASE%' ORDER BY id",
            counter.user_id,
        )
    told = [row[0] for row in rows]
    assert told in ([], ["PURCHASE", "PURCHASE_REFUNDED"])
