"""What this slice does because time passes, and when somebody wants to have what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta

from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.pursuing import pursue_due
from casino_club.features.shop.store import purchases
from casino_club.features.shop.store.purchases import Filters
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Reach, Record, export, kept

HANDED_AT_ONCE = 500
INNER = frozenset(("user_id", "payment_key", "purchase_key", "looks", "look_at", "is_counted", "has_goods"))


@job(
    "pursue_purchases",
    every=timedelta(seconds=20),
    about="Asks the payment provider about purchases whose payments are open, refunded, or to be looked at again.",
)
async def pursue_purchases(work: Work) -> None:
    await pursue_due(work.given[ShopDesk], now=work.now)


PURCHASES = kept(
    "purchases",
    about="What was bought, paid and refunded: it knows users by number, and paid gems in the ledger rest on it.",
)


@export(
    "purchases",
    about="What you have bought, newest first: what it cost, how you paid, and what became of it.",
    about_ko="구매 내역, 최신순: 가격, 결제 수단, 그리고 처리 결과.",
)
async def export_purchases(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await purchases.purchases(db, Filters(user_id), before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            shown = {name: value for name, value in asdict(each).items() if name not in INNER}
            yield {"purchase_id": str(each.purchase_key), **shown}
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1].id
