"""A deadline that people were shown is true: what has ended is not for sale again, under its own name or another."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from casino_club.features.shop.rules.catalogue import Catalogue, Item
from casino_club.features.shop.rules.refusals import SaleRepeated

KEPT_AWAY: Final = timedelta(days=30)
"""For so long nothing else gives the same for as little."""


def check_deadlines(draft: Catalogue, published: Iterable[Catalogue], *, live_at: datetime) -> None:
    """Raises `SaleRepeated` if a catalogue, live from then on, breaks what an earlier one has promised."""
    for before in published:
        for shown in before.items:
            if shown.ends is not None:
                _check_kept(shown, shown.ends, draft, live_at=live_at)


def _check_kept(shown: Item, ended_at: datetime, draft: Catalogue, *, live_at: datetime) -> None:
    for item in draft.items:
        if item.id == shown.id:
            if item.ends is None or item.ends > ended_at:
                raise SaleRepeated(item.id, f"people were told that it ends at {ended_at:%Y-%m-%d %H:%M} UTC.")
        elif _is_as_good(item, shown) and _is_sold_soon_after(item, ended_at, live_at=live_at):
            raise SaleRepeated(item.id, f"it is {shown.id} again, whose end was told; wait {KEPT_AWAY.days} days.")


def _is_as_good(item: Item, shown: Item) -> bool:
    """Whether it gives the same for as little or less, in the same money."""
    if item.goods != shown.goods:
        return False
    prices = (item.price.krw, shown.price.krw), (item.price.gems, shown.price.gems)
    return any(one is not None and other is not None and one <= other for one, other in prices)


def _is_sold_soon_after(item: Item, ended_at: datetime, *, live_at: datetime) -> bool:
    begins = max(live_at, item.begins or live_at)
    is_past_end = item.ends is None or item.ends > ended_at
    return is_past_end and begins < ended_at + KEPT_AWAY
