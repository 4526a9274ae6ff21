"""Handing over what was paid for, taking back what is left of it, and undoing what an order had counted."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, repeat
from typing import Final

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Admission, Occasion
from casino_club.features.rewards import public as rewards
from casino_club.features.rewards.public import Grant, Reward, RewardType
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.events import PurchaseRefunded, PurchaseSettled
from casino_club.features.shop.rules.catalogue import Extra, ExtraKind, Item
from casino_club.features.shop.rules.purchases import Purchase
from casino_club.features.shop.rules.refusals import PurchaseUsed
from casino_club.features.shop.store import purchases
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, Key, Order, Pocket
from casino_club.infra.db.database import Db
from casino_club.kernel.ids import derived_uuid

REASON: Final = "purchase"
POCKETS: Final = (Pocket.PAID_GEMS, Pocket.CASH_TOKENS)


async def may_receive(db: Db, desk: ShopDesk, user_id: int, *, now: datetime) -> bool:
    """Whether anything may be given to the user, who may have gone, or have been excluded, since they ordered."""
    if await actions.is_erased(db, user_id):
        return False
    try:
        await protection.admit(db, user_id, Occasion.GRANT, now=now, policy=desk.protection)
    except protection.Vetoed:
        return False
    return True


async def hand_over(db: Db, desk: ShopDesk, bought: Purchase, *, now: datetime) -> None:
    """Give all that was paid for, once, and tell the log of the payment."""
    assert bought.price_krw is not None
    item = await desk.item(db, bought.catalogue, bought.item_id)
    told = PurchaseSettled(bought.user_id, bought.price_krw, bought.item_id, str(bought.purchase_key))
    moves = tuple(
        Give(pocket, amount, House.PAYMENTS, bought.origin)
        for pocket, amount in zip(POCKETS, (bought.paid_gems, bought.cash_tokens), strict=True)
        if amount
    )
    if moves:
        order, key = Order("purchase", bought.user_id, moves), Key("shop", bought.payment_key)
        posted = await wallet.post(db, order, key=key, now=now, policy=desk.wallet, tell=lambda _: [told])
        assert not posted.was_repeated, "a purchase was handed over that nobody kept"
    else:
        await actions.append(db, told, at=now, policy=desk.wallet.actions)
    await give_extras(db, desk, item, bought, now=now)


async def give_extras(db: Db, desk: ShopDesk, item: Item, bought: Purchase, *, now: datetime) -> None:
    """Grant what comes as rewards."""
    wanted = [
        Grant(bought.user_id, reward, REASON, derived_uuid("purchase", bought.id, place))
        for place, reward in enumerate(_rewards(item, bought.quantity))
    ]
    if wanted:
        await rewards.grant_all(db, wanted, now=now, policy=desk.rewards)


def _rewards(item: Item, quantity: int) -> Iterator[Reward]:
    """Each coupon is one of its own, a badge is had once, and the rest adds up."""
    return chain.from_iterable(_of_extra(extra, quantity) for extra in item.goods.extras)


def _of_extra(extra: Extra, quantity: int) -> Iterator[Reward]:
    kind = RewardType(extra.kind.value)
    if extra.kind is ExtraKind.COUPON:
        return repeat(Reward(kind, extra.amount, extra.reference), quantity)
    amount = 1 if extra.kind is ExtraKind.BADGE else extra.amount * quantity
    return iter((Reward(kind, amount, extra.reference),))


async def take_back_unused(db: Db, desk: ShopDesk, bought: Purchase, *, now: datetime) -> None:
    """Take everything back, or nothing: raises `PurchaseUsed` if any of it is gone, or can't be taken."""
    item = await desk.item(db, bought.catalogue, bought.item_id)
    if any(extra.kind is not ExtraKind.FREE_SPIN for extra in item.goods.extras):
        raise PurchaseUsed
    if await take_back(db, desk, bought, now=now) < bought.paid_gems + bought.cash_tokens:
        raise PurchaseUsed
    for extra in item.goods.extras:
        for _ in range(extra.amount * bought.quantity):
            try:
                await rewards.use_free_spin(db, bought.user_id, extra.reference)
            except rewards.SpinsMissing as gone:
                raise PurchaseUsed from gone


async def take_back(db: Db, desk: ShopDesk, bought: Purchase, *, now: datetime) -> int:
    """Take back what is left of its lots, and of nothing else; how much that was. What was spent stays spent."""
    taken = 0
    if await actions.is_erased(db, bought.user_id):
        return taken
    for pocket, amount in zip(POCKETS, (bought.paid_gems, bought.cash_tokens), strict=True):
        if amount:
            key = Key("shop_refund", derived_uuid("refund", bought.id, pocket.name))
            posted = await wallet.refund(
                db, bought.user_id, pocket, bought.origin, key=key, now=now, policy=desk.wallet
            )
            taken += posted.taken_from(pocket)
    return taken


async def uncount(db: Db, desk: ShopDesk, bought: Purchase) -> None:
    """Give back what an order had taken: of the user's own limit, and of the stock."""
    assert bought.price_krw is not None
    if not await actions.is_erased(db, bought.user_id):
        await protection.settle(db, _admission(bought), bought.price_krw, policy=desk.protection)
    item = await desk.item(db, bought.catalogue, bought.item_id)
    if item.stock is not None:
        await purchases.give_stock_back(db, item.id, bought.quantity)


async def tell_refund(db: Db, desk: ShopDesk, bought: Purchase, amount_krw: int, *, now: datetime) -> None:
    """Money of a settled purchase went back: the log is told, and it counts as paid no more."""
    if await actions.is_erased(db, bought.user_id):
        return
    await protection.settle(db, _admission(bought), amount_krw, policy=desk.protection)
    told = PurchaseRefunded(
        bought.user_id, amount_krw, str(bought.purchase_key), _spelled(bought.settled_at or bought.timestamp)
    )
    await actions.append(db, told, at=now, policy=desk.wallet.actions)


def _admission(bought: Purchase) -> Admission:
    return Admission(bought.user_id, Occasion.PURCHASE, bought.price_krw or 0, None, bought.admitted_at)


def _spelled(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
