"""Reconciling tokens: every user's, a chunk at a time, each chunk of ledger and log as they were at one instant.

What a chunk finds is kept in the transaction that moves the run on, so a run that was cut short counts nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casino_club.features.wallet.rules.reconciling import Account, Reconciled, Told, days_of, reconcile
from casino_club.features.wallet.store import checking
from casino_club.features.wallet.store import reconciling as store
from casino_club.infra.db.database import Database, Db
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.runs import Run

USERS_AT_ONCE: Final = 500
NOTHING: Final = Account(0, 0, 0, 0, 0)
END: Final = "end"
ONE_INSTANT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One step of a reconciliation."""

    run: Run
    after_user_id: int
    now: datetime
    zone: str
    users_at_once: int

    async def take(self, db: Db) -> int | None:
        """Reconcile the next users; the last of them, or None if there are no more."""
        await store.begin(db, self.run.id, now=self.now)
        users = await checking.users_after(db, self.after_user_id, limit=self.users_at_once)
        found = await reconciled(db, users, zone=self.zone)
        await self._keep(db, found)
        if len(users) < self.users_at_once:
            await store.finish(db, self.run.id, now=self.now)
            await runs.reach(db, self.run, END)
            return None
        await runs.reach(db, self.run, str(users[-1]))
        return users[-1]

    async def _keep(self, db: Db, found: Sequence[Reconciled]) -> None:
        total = Account(*map(sum, zip(NOTHING, *(each.ledger for each in found), strict=True)))
        differing = [f"user {each.user_id}: {'; '.join(each.differences)}" for each in found if each.differences]
        await store.add(db, self.run.id, users=len(found), total=total, differing=differing)
        await store.add_days(db, days_of([moved for each in found for moved in each.moved]))
        await store.save_standings(db, {each.user_id: each.standing for each in found})


async def reconciled(db: Db, users: Sequence[int], *, zone: str) -> list[Reconciled]:
    """These users' tokens since their last reconciliation. The transaction sees ledger and log at one instant."""
    before = await store.standings(db, users)
    balances = await store.balances(db, users)
    moved, told = await store.moved(db, before, zone=zone), await store.told(db, before)
    return [
        reconcile(
            user_id,
            before[user_id],
            balance=balances.get(user_id, 0),
            moved=moved.get(user_id, ()),
            told=told.get(user_id, Told()),
        )
        for user_id in users
    ]


async def reconcile_all(
    database: Database, run: Run, *, now: datetime, zone: str, users_at_once: int = USERS_AT_ONCE
) -> None:
    """Reconcile all users, from where an earlier attempt was cut short."""
    reached = None if run.progress == END else int(run.progress or 0)
    while reached is not None:
        reached = await database.run(_Chunk(run, reached, now, zone, users_at_once).take, first=ONE_INSTANT)


async def differing(db: Db) -> int | None:
    """How many users differed in the last reconciliation; None if there was none."""
    last = await store.reconciliations(db, before_id=None, limit=1)
    return last[0].differing if last else None
