"""Statements that read balances and history. What is a user's own is asked for with the user."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from casino_club.features.wallet.rules.accounts import POCKETS_MAX, Pocket, account_of, pocket_of
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency


class Transaction(NamedTuple):
    """One transaction, without its entries."""

    id: int
    user_id: int
    kind: str
    posted_at: datetime
    corrects: int | None


class Change(NamedTuple):
    """By how much a transaction changed one of its user's pockets, and what that held after it."""

    tx_id: int
    pocket: Pocket
    amount: int
    balance_after: int


async def held_by(db: Db, user_id: int) -> dict[Pocket, int]:
    """What the user holds, pocket by pocket."""
    rows = await db.fetch(
        "SELECT id, balance FROM ledger_accounts WHERE id = ANY($1::bigint[])",
        [account_of(user_id, pocket) for pocket in Pocket],
    )
    held = dict.fromkeys(Pocket, 0)
    return held | {pocket: balance for account, balance in rows if (pocket := pocket_of(account)) is not None}


async def transaction(db: Db, tx_id: int) -> Transaction | None:
    """One transaction."""
    row = await db.fetchrow("SELECT id, user_id, kind, posted_at, corrects FROM ledger_txs WHERE id = $1", tx_id)
    return None if row is None else Transaction(*row)


async def is_corrected(db: Db, tx_id: int) -> bool:
    """Whether a correction undid it."""
    found: bool = await db.fetchval("SELECT EXISTS (SELECT FROM ledger_txs WHERE corrects = $1)", tx_id)
    return found


async def transactions_of(
    db: Db, user_id: int, *, before_id: int | None, kind: str | None, currency: Currency | None, limit: int
) -> list[Transaction]:
    """The user's transactions, newest first; only those that changed this currency, if one is named."""
    accounts = [account_of(user_id, pocket) for pocket in Pocket if currency in (None, pocket.currency)]
    rows = await db.fetch(
        """SELECT id, user_id, kind, posted_at, corrects FROM ledger_txs AS t
           WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR kind = $3)
             AND ($4::bigint[] IS NULL
                  OR EXISTS (SELECT FROM ledger_entries WHERE tx_id = t.id AND account_id = ANY($4)))
           ORDER BY id DESC LIMIT $5""",
        *(user_id, before_id, kind, accounts if currency else None, limit),
    )
    return [Transaction(*row) for row in rows]


async def changes_in(db: Db, tx_ids: Sequence[int]) -> list[Change]:
    """What these transactions changed for their users, in the order of their entries."""
    rows = await db.fetch(
        """SELECT tx_id, account_id, amount, balance_after FROM ledger_entries
           WHERE tx_id = ANY($1::bigint[]) AND account_id > 0 ORDER BY tx_id, place""",
        tx_ids,
    )
    return [Change(tx_id, Pocket(account % POCKETS_MAX), amount, after) for tx_id, account, amount, after in rows]
