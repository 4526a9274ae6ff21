"""The check of the whole ledger: transactions, users, what slices above look at, the house; a chunk at a time.

What a chunk finds is kept in the transaction that moves the run on, so a run that was cut short counts nothing twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casino_club.features.wallet.rules.invariants import Invariant, PaidFor, broken_by, paid_in, unpaid
from casino_club.features.wallet.store import checking
from casino_club.infra.db.database import Database, Db
from casino_club.infra.inspections import Inspections
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.runs import Run


@dataclass(frozen=True, slots=True)
class PaymentBook:
    """What is known of payments where they are made: of these origins, those that have settled."""

    settled: Callable[[Db, Sequence[str]], Awaitable[Mapping[str, PaidFor]]]


TXS_AT_ONCE: Final = 2_000
USERS_AT_ONCE: Final = 200

Reached = tuple[str, int]
"""Which part of the ledger, and the last number in it that was looked at."""

START: Final[Reached] = ("txs", 0)
END: Final[Reached] = ("house", 0)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One step of a check."""

    run: Run
    reached: Reached
    payments: PaymentBook
    now: datetime
    inspections: Inspections
    txs_at_once: int
    users_at_once: int

    async def take(self, db: Db) -> Reached:
        """Look at it and keep what was found; where the next one begins."""
        begun = await checking.begin(db, self.run.id, now=self.now)
        part, last = self.reached
        if part == "txs":
            after = await self._txs(db, begun, last)
        elif part == "users":
            after = await self._users(db, begun, last)
        else:
            after = await self._inspected(db, begun, part, last)
        if after == END:
            await checking.count(db, begun.id, await checking.of_all_accounts(db))
            await checking.finish(db, begun.id, now=self.now)
        await runs.reach(db, self.run, f"{after[0]}:{after[1]}")
        return after

    async def _txs(self, db: Db, begun: checking.Check, last: int) -> Reached:
        txs = await checking.transactions(db, after_id=last, last_id=begun.last_tx_id, limit=self.txs_at_once)
        payments = await self.payments.settled(db, [origin for tx in txs for origin, _, _ in paid_in(tx)])
        found = [violation for tx in txs for violation in (*broken_by(tx), *unpaid(tx, payments))]
        await checking.count(db, begun.id, found, txs=len(txs))
        return ("txs", txs[-1].id) if len(txs) == self.txs_at_once else self._behind("txs")

    async def _users(self, db: Db, begun: checking.Check, last: int) -> Reached:
        users = await checking.users_after(db, last, limit=self.users_at_once)
        await checking.count(db, begun.id, await checking.of_users(db, users), users=len(users))
        return ("users", users[-1]) if len(users) == self.users_at_once else self._behind("users")

    async def _inspected(self, db: Db, begun: checking.Check, part: str, last: int) -> Reached:
        looked = await self.inspections.named(part).look(db, last, self.txs_at_once)
        await checking.count(db, begun.id, looked.found)
        return self._behind(part) if looked.last_id is None else (part, looked.last_id)

    def _behind(self, part: str) -> Reached:
        """Where the part behind this one begins."""
        parts = ["txs", "users", *(each.name for each in self.inspections.every)]
        rest = parts[parts.index(part) + 1 :]
        return (rest[0], 0) if rest else END


async def check(
    database: Database,
    run: Run,
    payments: PaymentBook,
    *,
    now: datetime,
    inspections: Inspections,
    txs_at_once: int = TXS_AT_ONCE,
    users_at_once: int = USERS_AT_ONCE,
) -> None:
    """Check the whole ledger, from where an earlier attempt was cut short."""
    reached = _read(run.progress)
    while reached != END:
        chunk = _Chunk(run, reached, payments, now, inspections, txs_at_once, users_at_once)
        reached = await database.run(chunk.take)


def _read(progress: str | None) -> Reached:
    part, _, last = (progress or f"{START[0]}:{START[1]}").partition(":")
    return part, int(last)


async def violations(db: Db, inspections: Inspections) -> dict[str, int]:
    """How often the last finished check found each invariant broken; nothing, if none was ever finished."""
    last = await checking.last_check(db)
    if last is None:
        return {}
    found = await checking.broken(db, last.id)
    return {each: found[each].times if each in found else 0 for each in (*Invariant, *inspections.about)}
