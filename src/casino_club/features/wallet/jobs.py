"""What this slice does when the log grows, and when somebody wants to have what is theirs."""

from collections.abc import AsyncIterator, Sequence
from datetime import time, timedelta

from casino_club.features.actions.public import ActionPolicy
from casino_club.features.wallet.commands.checking import PaymentBook, check
from casino_club.features.wallet.commands.reconciling import reconcile_all
from casino_club.features.wallet.rules.hot import HELD_AFTER, HOT_NAMES, held_after
from casino_club.features.wallet.store import reading
from casino_club.infra.inspections import Inspections
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Policies, subscribe_hot
from casino_club.infra.ports import HotValue, HotWrite
from casino_club.infra.privacy.doors import Reach, Record, export, kept

PAGE_ROWS = 500


@subscribe_hot(
    "wallet",
    names=HOT_NAMES,
    types=frozenset(HELD_AFTER),
    about="Each user's cyber tokens and the gems that wait for them, as the wallet last told the log.",
)
def wallet(rows: Sequence[LogRow], _: Policies) -> Sequence[HotWrite]:
    held: dict[int, dict[str, int]] = {}
    last_ids: dict[int, int] = {}
    for row in rows:
        if found := held_after(row.action_type, row.metadata):
            held.setdefault(row.user_id, {}).update(found)
            last_ids[row.user_id] = row.id
    return [
        HotWrite(user_id, last_ids[user_id], {name: HotValue(str(amount)) for name, amount in values.items()})
        for user_id, values in held.items()
    ]


@job(
    "check_ledger",
    daily_at=time(3, 30),
    takes_max=timedelta(hours=6),
    about="Looks over the whole ledger and what rests on it for anything that must never be, and keeps what it finds.",
)
async def check_ledger(work: Work) -> None:
    await check(
        work.database,
        work.run,
        work.given[PaymentBook],
        now=work.now,
        inspections=work.given[Inspections],
    )


@job(
    "reconcile_tokens",
    daily_at=time(3, 0),
    takes_max=timedelta(hours=6),
    about="Reconciles everybody's tokens since the night before, by the ledger and by the log, and keeps what differs.",
)
async def reconcile_tokens(work: Work) -> None:
    zone = work.policies[ActionPolicy].calendar.zone
    await reconcile_all(work.database, work.run, now=work.now, zone=zone)


LEDGER = kept(
    "ledger",
    about="Transactions, entries, balances and where they were last reconciled: they know users by number, and the "
    "house's sums rest on all of them.",
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
            page = await reading.transactions_of(
                db, user_id, before_id=before_id, kind=None, currency=None, limit=PAGE_ROWS
            )
            changes = await reading.changes_in(db, [each.id for each in page])
        for each in page:
            of_this = [_shown(change) for change in changes if change.tx_id == each.id]
            yield {"id": each.id, "kind": each.kind, "posted_at": each.posted_at, "changes": of_this}
        if len(page) < PAGE_ROWS:
            return
        before_id = page[-1].id


def _shown(change: reading.Change) -> Record:
    return {"pocket": change.pocket.name.lower(), "amount": change.amount, "balance_after": change.balance_after}
