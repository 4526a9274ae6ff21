"""What a user may have of the ledger, and what of it stays."""

from collections.abc import AsyncIterator

from casino_club.features.wallet.store import reading
from casino_club.infra.privacy.doors import Reach, Record, export, kept

PAGE_ROWS = 500

LEDGER = kept(
    "ledger",
    about="Transactions, entries and balances: they know users by number, and the house's sums rest on all of them.",
)


@export(
    "ledger",
    about="Every change of your coins, gems and tokens, newest first: by how much, and what you had after it.",
    about_ko="코인, 젬, 토큰의 모든 변동, 최신순: 얼마나 바뀌었고 그 뒤 얼마가 남았는지.",
)
async def export_ledger(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await reading.transactions_of(db, user_id, before_id=before_id, kind=None, limit=PAGE_ROWS)
            changes = await reading.changes_in(db, [each.id for each in page])
        for each in page:
            of_this = [_shown(change) for change in changes if change.tx_id == each.id]
            yield {"id": each.id, "kind": each.kind, "posted_at": each.posted_at, "changes": of_this}
        if len(page) < PAGE_ROWS:
            return
        before_id = page[-1].id


def _shown(change: reading.Change) -> Record:
    return {"pocket": change.pocket.name.lower(), "amount": change.amount, "balance_after": change.balance_after}
