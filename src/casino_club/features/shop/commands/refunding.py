"""Refunds: what was handed over is taken back first, in one transaction; then the provider is asked for the money."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.handing_over import take_back, take_back_unused
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.purchases import Because, Purchase, State
from casino_club.features.shop.store import purchases
from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Arguments
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


async def give_back(db: Db, desk: ShopDesk, user_id: int, purchase_key: UUID, *, now: datetime) -> Purchase:
    """The user gives an unused purchase back, within the days of the market. Asking again changes nothing."""
    await actions.lock_users(db, [user_id])
    found = await purchases.of_key(db, user_id, purchase_key)
    if found is None:
        raise refusals.PurchaseMissing
    bought = await purchases.with_id(db, found.id, is_locked=True)
    assert bought is not None
    if bought.state in (State.REFUNDING, State.REFUNDED) and bought.refund_because is Because.USER:
        return bought
    _check_refundable(bought)
    days = desk.market.refund_days
    assert bought.settled_at is not None
    if now >= bought.settled_at + timedelta(days=days):
        raise refusals.RefundTooLate(days)

    await take_back_unused(db, desk, bought, now=now)

    return await _begin(db, bought, Because.USER, now=now)


async def refund(db: Db, desk: ShopDesk, purchase_id: int, *, because: str, by: UserSubject, now: datetime) -> Purchase:
    """Staff refund a purchase, whatever was used of it: what is left of its lots is taken back, and no more."""
    found = await purchases.with_id(db, purchase_id)
    if found is None:
        raise refusals.PurchaseMissing
    await actions.lock_users(db, [found.user_id])
    bought = await purchases.with_id(db, purchase_id, is_locked=True)
    assert bought is not None
    _check_refundable(bought)

    taken = await take_back(db, desk, bought, now=now)
    refunding = await _begin(db, bought, Because.STAFF, now=now)

    spent = bought.paid_gems + bought.cash_tokens - taken
    how: Arguments = {"user": bought.user_id, "because": because, "price_krw": bought.price_krw, "spent": spent}
    await deeds.note(db, by, "refund_purchase", f"purchase:{purchase_id}", how, now=now)
    return refunding


def _check_refundable(bought: Purchase) -> None:
    if bought.state is not State.SETTLED or bought.price_krw is None:
        raise refusals.NotRefundable


async def _begin(db: Db, bought: Purchase, because: Because, *, now: datetime) -> Purchase:
    refunding = replace(bought, state=State.REFUNDING, has_goods=False, refund_because=because, looks=0, look_at=now)
    await purchases.save(db, refunding)
    return refunding
