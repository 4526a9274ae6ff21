"""What a user is shown of the shop: what they can buy now, and why not."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.rules.catalogue import Catalogue, Item
from casino_club.features.shop.rules.offers import (
    Bought,
    WhyNot,
    is_sold_at,
    real_price_krw,
    takes_free_gems_only,
    why_not,
)
from casino_club.features.shop.store import purchases
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Offer:
    """An item as it stands for one user."""

    item: Item
    why_not: WhyNot | None
    real_price_krw: int | None
    bought: Bought
    takes_free_gems_only: bool


@dataclass(frozen=True, slots=True)
class Window:
    """All that is sold in this market, as one user finds it."""

    catalogue: Catalogue
    offers: tuple[Offer, ...]
    methods: tuple[str, ...]


async def window(db: Db, desk: ShopDesk, user_id: int, *, now: datetime) -> Window:
    """What there is for this user now. Raises `CatalogueMissing`."""
    catalogue = await desk.live(db, now=now)
    sold = [item for item in catalogue.items if is_sold_at(item, desk.place) and not _is_over(item, now)]
    bought = await purchases.bought(db, user_id, [item.id for item in sold], day_start=desk.day_start(now))

    offers = [_offer(item, bought[item.id], catalogue, desk, now) for item in sold]

    return Window(catalogue, tuple(offers), tuple(desk.provider.methods))


def _offer(item: Item, bought: Bought, catalogue: Catalogue, desk: ShopDesk, now: datetime) -> Offer:
    gems = item.price.gems
    real_price = item.price.krw if gems is None else real_price_krw(gems, catalogue)
    why, is_strict = why_not(item, 1, bought, desk.place, now=now), takes_free_gems_only(item, desk.place)
    return Offer(item, why, real_price, bought, is_strict)


def _is_over(item: Item, now: datetime) -> bool:
    """An offer that has ended is not shown: nobody is to regret it."""
    return item.ends is not None and now >= item.ends
