"""Pursuing a purchase: the provider is asked outside of any transaction, and what it says is applied in one.

Whoever comes, at whatever time, may pursue any purchase: what is old or known changes nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from casino_club.features.actions import public as actions
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.handing_over import hand_over, may_receive, take_back, tell_refund, uncount
from casino_club.features.shop.rules.purchases import (
    ENDED,
    Act,
    Because,
    Call,
    Purchase,
    State,
    Told,
    call_for,
    look_at,
    step_of,
)
from casino_club.features.shop.store import purchases
from casino_club.infra.db.database import Db
from casino_club.infra.payments import Payment, PaymentsAway, PaymentState, PaymentWanted

CALLS_MAX: Final = 3
"""From an unknown outcome to one that is known, and on to the payment or its end."""
CLAIMED_FOR: Final = timedelta(minutes=10)
GOES_ON: Final = frozenset((State.ORDERED, State.REFUNDING))
"""In these there is something to ask for at once."""


async def pursue(desk: ShopDesk, purchase: Purchase, *, now: datetime) -> Purchase:
    """Ask the provider what there is to ask, and go on from there as far as its answers lead."""
    for _ in range(CALLS_MAX):
        before = purchase
        payment = await _ask(desk, before, now=now)
        purchase = await desk.database.run(_Applying(desk, before, payment, now).apply)
        if purchase.state is before.state or purchase.state not in GOES_ON:
            break
    return purchase


async def pursue_due(desk: ShopDesk, *, now: datetime) -> int:
    """Pursue every purchase that is due, one after the other; how many there were.

    Each is put off before it is pursued, so that one at which we fail keeps nobody else waiting.
    """
    done = 0
    while True:
        claimed = await desk.database.run(partial(purchases.claim_due, now=now, again_at=now + CLAIMED_FOR))
        if claimed is None:
            return done
        await pursue(desk, claimed, now=now)
        done += 1


NO_ANSWER: Final = PaymentsAway()


async def _ask(desk: ShopDesk, purchase: Purchase, *, now: datetime) -> Payment | PaymentsAway | None:
    key, price_krw = purchase.payment_key, purchase.price_krw
    assert price_krw is not None, "nobody else is asked about gems"
    try:
        match call_for(purchase.state, purchase.expires_at, now=now):
            case Call.CREATE:
                wanted = PaymentWanted(key, price_krw, purchase.payment_method, purchase.expires_at)
                return await desk.provider.create(wanted)
            case Call.CANCEL:
                return await desk.provider.cancel(key)
            case Call.REFUND:
                return await desk.provider.refund(key, price_krw)
            case Call.FIND:
                return await desk.provider.find(key)
    except PaymentsAway:
        return NO_ANSWER


def told_by(payment: Payment | PaymentsAway | None, price_krw: int) -> Told:
    """What an answer means for a purchase of this price."""
    if payment is None:
        return Told.NOTHING
    if isinstance(payment, PaymentsAway):
        return Told.NO_ANSWER
    if payment.state is PaymentState.PAID and payment.amount_krw < price_krw:
        return Told.PENDING  # Less than the price does not pay for it. It stays open, and staff see it.
    if payment.state is PaymentState.PAID and payment.refunded_krw >= price_krw:
        return Told.REFUNDED
    return Told(payment.state.value)


class _Applying:
    """One answer, and the purchase that it is about."""

    def __init__(
        self, desk: ShopDesk, purchase: Purchase, payment: Payment | PaymentsAway | None, now: datetime
    ) -> None:
        self._desk, self._asked, self._payment, self._now = desk, purchase, payment, now

    async def apply(self, db: Db) -> Purchase:
        """Take the step that follows, in one transaction."""
        await actions.lock_users(db, [self._asked.user_id])
        before = await purchases.with_id(db, self._asked.id, is_locked=True)
        assert before is not None
        assert before.price_krw is not None
        told = told_by(self._payment, before.price_krw)

        after = await self._act(db, before, told)
        after = await self._count_refunds(db, after)

        looks = before.looks + 1 if after.state is before.state else 0
        due_at = look_at(after.state, looks, after.expires_at, now=self._now)
        after = replace(after, looks=looks, look_at=due_at)
        await purchases.save(db, after)
        return after

    async def _act(self, db: Db, before: Purchase, told: Told) -> Purchase:
        step = step_of(before.state, told)
        after = replace(before, state=step.to)
        match step.act:
            case Act.HAND_OVER:
                return await self._hand_over(db, before, after)
            case Act.GIVE_BACK:
                await uncount(db, self._desk, before)
                after = replace(after, is_counted=False)
            case Act.TAKE_BACK if before.has_goods:
                await take_back(db, self._desk, before, now=self._now)
                after = replace(after, has_goods=False)
        if step.to in (State.REFUNDING, State.REFUNDED) and before.refund_because is None:
            late = before.state in ENDED and step.to is State.REFUNDING
            after = replace(after, refund_because=Because.LATE if late else Because.PROVIDER)
        return after

    async def _hand_over(self, db: Db, before: Purchase, after: Purchase) -> Purchase:
        """What nobody may be given any more is not: the money goes back instead."""
        if not await may_receive(db, self._desk, before.user_id, now=self._now):
            await uncount(db, self._desk, before)
            return replace(after, state=State.REFUNDING, is_counted=False, refund_because=Because.PROTECTED)
        await hand_over(db, self._desk, before, now=self._now)
        return replace(after, settled_at=self._now, has_goods=True)

    async def _count_refunds(self, db: Db, purchase: Purchase) -> Purchase:
        payment, price_krw = self._payment, purchase.price_krw or 0
        refunded = min(payment.refunded_krw, price_krw) if isinstance(payment, Payment) else 0
        if refunded <= purchase.refunded_krw:
            return purchase
        if purchase.settled_at is not None:
            await tell_refund(db, self._desk, purchase, refunded - purchase.refunded_krw, now=self._now)
        because = purchase.refund_because or Because.PROVIDER
        return replace(purchase, refunded_krw=refunded, refund_because=because)
