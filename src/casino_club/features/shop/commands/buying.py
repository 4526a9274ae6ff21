"""Buying: for gems at once, in one transaction; for money an order is kept, counted, and then paid for elsewhere."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.handing_over import give_extras
from casino_club.features.shop.events import ItemBought
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.catalogue import Catalogue, Item
from casino_club.features.shop.rules.offers import SENTENCES, WhyNot, takes_free_gems_only, why_not
from casino_club.features.shop.rules.purchases import OPEN_MAX, Purchase, State, look_at
from casino_club.features.shop.store import purchases
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import House, Key, Order, Pocket, Take
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency

GEMS = "gems"
"""How what has a price in gems is paid."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to buy. Its key is the user's own, and the purchase's for ever."""

    user_id: int
    purchase_key: UUID
    item_id: str
    quantity: int
    payment_method: str
    catalogue: str | None = None
    """The one that they were shown."""


async def buy(db: Db, desk: ShopDesk, wanted: Wanted, *, now: datetime) -> Purchase:
    """Buy once. The same again gives the same purchase; another one under its key is refused."""
    await actions.lock_users(db, [wanted.user_id])
    before = await purchases.of_key(db, wanted.user_id, wanted.purchase_key)
    if before is not None:
        return _same(before, wanted)
    catalogue, item = await _find(db, desk, wanted, now=now)
    _check_method(desk, item, wanted.payment_method)
    if await purchases.open_count(db, wanted.user_id) >= OPEN_MAX:
        raise refusals.PurchasesOpen(OPEN_MAX)

    await _check_bounds(db, desk, item, wanted, now=now)
    if item.price.krw is not None:
        await desk.ages.check(db, wanted.user_id, years_min=desk.market.play_age_years_min)
    admission = await protection.admit(
        db,
        wanted.user_id,
        Occasion.PURCHASE,
        (item.price.krw or 0) * wanted.quantity,
        now=now,
        policy=desk.protection,
    )

    ordered = _ordered(desk, catalogue, item, wanted, admitted_at=admission.at, now=now)
    try:
        ordered = replace(ordered, id=await purchases.add(db, ordered))
    except asyncpg.UniqueViolationError as taken:
        raise Crossed("another transaction took the same key") from taken
    await _take_stock(db, item, wanted.quantity)
    return ordered if item.price.gems is None else await _pay_with_gems(db, desk, item, ordered, now=now)


def _same(before: Purchase, wanted: Wanted) -> Purchase:
    was = (before.item_id, before.quantity, before.payment_method)
    if was != (wanted.item_id, wanted.quantity, wanted.payment_method):
        raise refusals.PurchaseReused
    return before


async def _find(db: Db, desk: ShopDesk, wanted: Wanted, *, now: datetime) -> tuple[Catalogue, Item]:
    catalogue = await desk.live(db, now=now)
    if wanted.catalogue is not None and wanted.catalogue != catalogue.digest:
        raise refusals.CatalogueChanged
    item = catalogue.by_id.get(wanted.item_id)
    if item is None:
        raise refusals.ItemMissing
    return catalogue, item


def _check_method(desk: ShopDesk, item: Item, method: str) -> None:
    if item.price.gems is not None:
        if method != GEMS:
            raise refusals.MethodRefused(GEMS)
        return
    if not desk.provider.methods:
        raise refusals.PaymentsUnavailable
    if method not in desk.provider.methods:
        raise refusals.MethodRefused(", ".join(desk.provider.methods))


async def _check_bounds(db: Db, desk: ShopDesk, item: Item, wanted: Wanted, *, now: datetime) -> None:
    found = await purchases.bought(db, wanted.user_id, [item.id], day_start=desk.day_start(now))
    why = why_not(item, wanted.quantity, found[item.id], desk.place, now=now)
    if why is not None:
        raise refusals.ItemUnavailable(why, SENTENCES[why])


async def _take_stock(db: Db, item: Item, quantity: int) -> None:
    if item.stock is not None and not await purchases.take_stock(db, item.id, quantity, stock=item.stock):
        raise refusals.ItemUnavailable(WhyNot.STOCK, SENTENCES[WhyNot.STOCK])


def _ordered(
    desk: ShopDesk, catalogue: Catalogue, item: Item, wanted: Wanted, *, admitted_at: datetime, now: datetime
) -> Purchase:
    is_for_gems, quantity = item.price.gems is not None, wanted.quantity
    expires_at = now if is_for_gems else now + desk.payment_lasts
    state = State.SETTLED if is_for_gems else State.ORDERED
    return Purchase(
        id=0,
        user_id=wanted.user_id,
        purchase_key=wanted.purchase_key,
        item_id=item.id,
        quantity=quantity,
        price_in_gems=None if item.price.gems is None else item.price.gems * quantity,
        price_krw=None if item.price.krw is None else item.price.krw * quantity,
        payment_method=wanted.payment_method,
        timestamp=now,
        catalogue=catalogue.digest,
        payment_key=derived_uuid("payment", wanted.user_id, str(wanted.purchase_key)),
        paid_gems=item.goods.paid_gems * quantity,
        cash_tokens=item.goods.cash_tokens * quantity,
        state=state,
        expires_at=expires_at,
        admitted_at=admitted_at,
        has_goods=is_for_gems,
        settled_at=now if is_for_gems else None,
        look_at=None if is_for_gems else look_at(state, 0, expires_at, now=now),
    )


async def _pay_with_gems(db: Db, desk: ShopDesk, item: Item, bought: Purchase, *, now: datetime) -> Purchase:
    """Take the gems and hand over. Raises `InsufficientFunds`."""
    assert bought.price_in_gems is not None
    pockets = (Pocket.FREE_GEMS,) if takes_free_gems_only(item, desk.place) else ()
    to = House.PULLS if item.goods.lead_to_stakes else House.GOODS  # which the ledger may close to paid gems
    posted = await wallet.post(
        db,
        Order("shop_item", bought.user_id, (Take(Currency.GEM, bought.price_in_gems, to, pockets),)),
        key=Key("shop", bought.payment_key),
        now=now,
        policy=desk.wallet,
        tell=lambda _: [ItemBought(bought.user_id, bought.item_id, bought.quantity)],
    )
    assert not posted.was_repeated, "a purchase was paid that nobody kept"
    await give_extras(db, desk, item, bought, now=now)
    return bought
