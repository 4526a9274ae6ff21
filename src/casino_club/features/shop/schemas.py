"""Shapes of requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.shop.commands.showing import Offer, Window
from casino_club.features.shop.rules.catalogue import QUANTITY_MAX, Catalogue, Goods, Item, Title
from casino_club.features.shop.rules.offers import SENTENCES, WhyNot, real_price_krw
from casino_club.features.shop.rules.purchases import Because, Purchase, State
from casino_club.features.shop.rules.versions import Version
from casino_club.infra.http.routes import Id

PAGE_ROWS_MAX = 200

Limit = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=40)]
PurchaseId = Annotated[UUID, Meta(description="Yours and new for each purchase; the same whenever you send it again.")]


class OfferOut(msgspec.Struct, frozen=True):
    """An item, and whether you can buy one now. `real_price_krw` is what the price comes to in money, at most.

    `ends` is true: it is not offered again after that. `left_for_you` is null where nothing bounds it. For what
    `takes_free_gems_only` gems that were paid for don't count.
    """

    item_id: str
    title: Title
    price_krw: int | None
    price_in_gems: int | None
    real_price_krw: int | None
    takes_free_gems_only: bool
    goods: Goods
    begins: datetime | None
    ends: datetime | None
    left_for_you: int | None
    left_in_stock: int | None
    can_buy: bool
    why_not: WhyNot | None
    sentence: str | None


class ShopOut(msgspec.Struct, frozen=True):
    """What is for sale now. Send `catalogue` with a purchase, and nobody pays a price that they were not shown."""

    catalogue: str
    now: datetime
    payment_methods: list[str]
    refund_days: int
    offers: list[OfferOut]


class BuyIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to buy. Gems are paid with `gems`, money as the shop's page lists it."""

    purchase_id: PurchaseId
    item_id: Name
    payment_method: Name
    quantity: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)] = 1
    catalogue: Annotated[str, Meta(min_length=64, max_length=64)] | None = None


class PurchaseOut(msgspec.Struct, frozen=True):
    """A purchase. Amounts are for all of it; `state` may go on by itself until it is settled, failed or expired."""

    purchase_id: UUID
    item_id: str
    quantity: int
    price_in_gems: int | None
    price_krw: int | None
    payment_method: str
    state: State
    timestamp: datetime
    expires_at: datetime
    settled_at: datetime | None
    refunded_krw: int
    refund_because: Because | None


class PurchasesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of them."""

    cursor: Id | None = None
    limit: Limit = 50


class PurchasesPage(msgspec.Struct, frozen=True):
    """Your purchases, the latest first. `next_cursor` is null at the end."""

    purchases: list[PurchaseOut]
    next_cursor: int | None


class StaffPurchasesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose, in which state."""

    user_id: Id | None = None
    state: State | None = None
    cursor: Id | None = None
    limit: Limit = 50


class StaffPurchaseOut(msgspec.Struct, frozen=True):
    """A purchase as staff see it, with the key that the provider knows its payment by."""

    id: int
    user_id: int
    payment_key: UUID
    has_goods: bool
    look_at: datetime | None
    purchase: PurchaseOut


class StaffPurchasesPage(msgspec.Struct, frozen=True):
    """Purchases, the latest first."""

    purchases: list[StaffPurchaseOut]
    next_cursor: int | None


class RefundIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why, for the audit."""

    because: Annotated[str, Meta(min_length=3, max_length=200)]


class PaymentSpoken(msgspec.Struct, forbid_unknown_fields=True):
    """Which payment it is about."""

    key: UUID


class PaymentWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """What a provider sends, signed as in Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

    type: str
    timestamp: datetime
    data: PaymentSpoken


class DraftIn(msgspec.Struct, forbid_unknown_fields=True):
    """A catalogue that somebody proposes; live once it is approved, and not before `live_at`."""

    catalogue: msgspec.Raw
    live_at: Annotated[datetime, Meta(tz=True)] | None = None


class VersionOut(msgspec.Struct, frozen=True):
    """A catalogue that was live, is, or may become so."""

    id: int
    digest: str
    drafted_at: datetime
    live_at: datetime
    approved_at: datetime | None
    live_from: datetime | None
    withdrawn_at: datetime | None
    approvals: int


class PreviewItem(msgspec.Struct, frozen=True):
    """An item with what users would be shown beside its price."""

    item: Item
    real_price_krw: int | None


class DraftOut(msgspec.Struct, frozen=True):
    """A version, with all that users would be shown of it."""

    version: VersionOut
    items: list[PreviewItem]


class VersionsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of them."""

    cursor: Id | None = None
    limit: Limit = 50


class VersionsPage(msgspec.Struct, frozen=True):
    """Versions, the newest first. What shipped with the platform has no approvals."""

    versions: list[VersionOut]
    next_cursor: int | None


def shop_out(window: Window, *, now: datetime, refund_days: int) -> ShopOut:
    offers = [_offer_out(each) for each in window.offers]
    return ShopOut(window.catalogue.digest, now, list(window.methods), refund_days, offers)


def _offer_out(offer: Offer) -> OfferOut:
    item, bought, why = offer.item, offer.bought, offer.why_not
    bounds = [
        bound - used
        for bound, used in ((item.day_max, bought.today), (item.user_max, bought.ever))
        if bound is not None
    ]
    return OfferOut(
        item.id,
        item.title,
        item.price.krw,
        item.price.gems,
        offer.real_price_krw,
        offer.takes_free_gems_only,
        item.goods,
        item.begins,
        item.ends,
        max(0, min(bounds)) if bounds else None,
        None if item.stock is None else max(0, item.stock - bought.by_all),
        why is None,
        why,
        None if why is None else SENTENCES[why],
    )


def purchase_out(bought: Purchase) -> PurchaseOut:
    return PurchaseOut(
        bought.purchase_key,
        bought.item_id,
        bought.quantity,
        bought.price_in_gems,
        bought.price_krw,
        bought.payment_method,
        bought.state,
        bought.timestamp,
        bought.expires_at,
        bought.settled_at,
        bought.refunded_krw,
        bought.refund_because,
    )


def staff_purchase_out(bought: Purchase) -> StaffPurchaseOut:
    seen = purchase_out(bought)
    return StaffPurchaseOut(bought.id, bought.user_id, bought.payment_key, bought.has_goods, bought.look_at, seen)


def version_out(version: Version) -> VersionOut:
    return VersionOut(
        version.id,
        version.digest,
        version.drafted_at,
        version.live_at,
        version.approved_at,
        version.live_from,
        version.withdrawn_at,
        len(version.approved_by),
    )


def draft_out(version: Version, catalogue: Catalogue) -> DraftOut:
    items = [
        PreviewItem(item, item.price.krw if item.price.gems is None else real_price_krw(item.price.gems, catalogue))
        for item in catalogue.items
    ]
    return DraftOut(version_out(version), items)
