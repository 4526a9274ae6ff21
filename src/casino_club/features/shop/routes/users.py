"""What users do in the shop: look, buy, find a purchase again, and give it back."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from casino_club.features.actions.public import UserGone
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.shop.commands import buying, pursuing, refunding
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.showing import window
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.schemas import (
    BuyIn,
    PurchaseOut,
    PurchasesPage,
    PurchasesQuery,
    ShopOut,
    purchase_out,
    shop_out,
)
from casino_club.features.shop.store import purchases
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["shop"])


@routes.get(
    "/api/shop",
    audience=Audience.USER,
    summary="What you can buy now, what it costs in money, and why not",
    answers={200: ShopOut},
    refusals=(refusals.CatalogueMissing,),
)
async def read_shop(subject: UserSubject, database: Database, shop_desk: ShopDesk, clock: Clock) -> ShopOut:
    now = clock()
    async with database.connection() as db:
        found = await window(db, shop_desk, subject.user_id, now=now)
    return shop_out(found, now=now, refund_days=shop_desk.market.refund_days)


@routes.post(
    "/api/shop/buy",
    audience=Audience.USER,
    summary="Buy something, once for this purchase's id; what costs money is settled once it is paid",
    body=BuyIn,
    answers={200: PurchaseOut},
    refusals=(
        refusals.CatalogueMissing,
        refusals.CatalogueChanged,
        refusals.ItemMissing,
        refusals.ItemUnavailable,
        refusals.MethodRefused,
        refusals.PaymentsUnavailable,
        refusals.PurchaseReused,
        refusals.PurchasesOpen,
        AgeUnproven,
        *ADMIT_REFUSALS,
        InsufficientFunds,
        UserGone,
    ),
)
async def buy_item(
    subject: UserSubject, body: BuyIn, database: Database, shop_desk: ShopDesk, clock: Clock
) -> PurchaseOut:
    now = clock()
    wanted = buying.Wanted(
        subject.user_id, body.purchase_id, body.item_id, body.quantity, body.payment_method, body.catalogue
    )
    bought = await database.run(lambda db: buying.buy(db, shop_desk, wanted, now=now))
    if bought.state in pursuing.GOES_ON:
        bought = await pursuing.pursue(shop_desk, bought, now=now)
    return purchase_out(bought)


@routes.get(
    "/api/shop/purchases",
    audience=Audience.USER,
    summary="Your purchases, the latest first",
    query=PurchasesQuery,
    answers={200: PurchasesPage},
)
async def read_purchases(subject: UserSubject, query: PurchasesQuery, database: Database) -> PurchasesPage:
    of_user = purchases.Filters(subject.user_id)
    async with database.connection() as db:
        found = await purchases.purchases(db, of_user, before_id=query.cursor, limit=query.limit)
    return PurchasesPage([purchase_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/shop/purchases/{purchase_id}",
    audience=Audience.USER,
    summary="One of your purchases: the same again after a connection broke",
    answers={200: PurchaseOut},
    refusals=(refusals.PurchaseMissing,),
)
async def read_purchase(purchase_id: UUID, subject: UserSubject, database: Database) -> PurchaseOut:
    async with database.connection() as db:
        found = await purchases.of_key(db, subject.user_id, purchase_id)
    if found is None:
        raise refusals.PurchaseMissing
    return purchase_out(found)


@routes.post(
    "/api/shop/purchases/{purchase_id}/refund",
    audience=Audience.USER,
    summary="Give a purchase back that you have not used, within the days of the market",
    answers={200: PurchaseOut},
    refusals=(
        refusals.PurchaseMissing,
        refusals.NotRefundable,
        refusals.RefundTooLate,
        refusals.PurchaseUsed,
        UserGone,
    ),
)
async def give_purchase_back(
    purchase_id: UUID, subject: UserSubject, database: Database, shop_desk: ShopDesk, clock: Clock
) -> PurchaseOut:
    now, user_id = clock(), subject.user_id
    given = await database.run(lambda db: refunding.give_back(db, shop_desk, user_id, purchase_id, now=now))
    return purchase_out(await pursuing.pursue(shop_desk, given, now=now))
