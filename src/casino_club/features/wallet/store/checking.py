"""Statements that look for what must never be, a chunk at a time, and keep what was found."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from casino_club.features.wallet.rules.accounts import POCKETS_MAX, WITH_LOTS, Pocket, currency_of
from casino_club.features.wallet.rules.invariants import Checked, Invariant, Violation
from casino_club.features.wallet.rules.orders import LOTS_A_TRANSACTION_MAX, Entry
from casino_club.infra.db.database import Db

EXAMPLES_MAX = 10
ONE_LOT_EACH = (Pocket.PAID_GEMS, Pocket.PARTNER_TOKENS, Pocket.CASH_TOKENS)


class Check(NamedTuple):
    """One look over the whole ledger: how far it is, or when it ended."""

    id: int
    began_at: datetime
    finished_at: datetime | None
    last_tx_id: int
    txs: int
    users: int


class Broken(NamedTuple):
    """How often a check found an invariant broken, with the first examples."""

    invariant: str
    times: int
    examples: Sequence[str]


async def begin(db: Db, check_id: int, *, now: datetime) -> Check:
    """Begin a check, or go on with it."""
    await db.execute(
        """INSERT INTO ledger_checks (id, began_at, last_tx_id, txs, users)
           VALUES ($1, $2, (SELECT coalesce(max(id), 0) FROM ledger_txs), 0, 0) ON CONFLICT DO NOTHING""",
        check_id,
        now,
    )
    row = await db.fetchrow("SELECT * FROM ledger_checks WHERE id = $1", check_id)
    assert row is not None
    return Check(*row)


async def count(db: Db, check_id: int, found: Iterable[tuple[str, str]], *, txs: int = 0, users: int = 0) -> None:
    """Add what a chunk brought to light."""
    await db.execute("UPDATE ledger_checks SET txs = txs + $2, users = users + $3 WHERE id = $1", check_id, txs, users)
    by_invariant: dict[str, list[str]] = {}
    for invariant, example in found:
        by_invariant.setdefault(invariant, []).append(example)
    for invariant, examples in by_invariant.items():
        await db.execute(
            """INSERT INTO ledger_violations AS v (check_id, invariant, times, examples) VALUES ($1, $2, $3, $4)
               ON CONFLICT (check_id, invariant) DO UPDATE
               SET times = v.times + excluded.times, examples = (v.examples || excluded.examples)[:$5::int]""",
            *(check_id, invariant, len(examples), examples[:EXAMPLES_MAX], EXAMPLES_MAX),
        )


async def finish(db: Db, check_id: int, *, now: datetime) -> None:
    """The check has seen everything."""
    await db.execute("UPDATE ledger_checks SET finished_at = $2 WHERE id = $1", check_id, now)


async def last_check(db: Db) -> Check | None:
    """The last check that was finished."""
    row = await db.fetchrow(
        "SELECT * FROM ledger_checks WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1"
    )
    return None if row is None else Check(*row)


async def broken(db: Db, check_id: int) -> dict[str, Broken]:
    """What a check found."""
    rows = await db.fetch("SELECT invariant, times, examples FROM ledger_violations WHERE check_id = $1", check_id)
    return {row[0]: Broken(*row) for row in rows}


async def transactions(db: Db, *, after_id: int, last_id: int, limit: int) -> list[Checked]:
    """The next transactions, with all that their check needs."""
    txs = await db.fetch(
        """SELECT id, user_id, corrects, EXISTS (SELECT FROM ledger_txs AS o WHERE o.idem_scope = t.idem_scope
                                                 AND o.idem_key = t.idem_key AND o.id <> t.id)
           FROM ledger_txs AS t WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3""",
        *(after_id, last_id, limit),
    )
    entries = await _entries(db, [tx_id for row in txs for tx_id in (row[0], row[2]) if tx_id is not None])
    made = {each.lot_id for row in txs for each in entries.get(row[0], ()) if _is_made_by(row[0], each.lot_id)}
    rows = await db.fetch("SELECT id, origin FROM ledger_lots WHERE id = ANY($1::bigint[])", list(made))
    origins = {row[0]: row[1] for row in rows}
    return [
        Checked(row[0], row[1], row[2], row[3], entries.get(row[0], []), entries.get(row[2], []), origins)
        for row in txs
    ]


def _is_made_by(tx_id: int, lot_id: int | None) -> bool:
    return lot_id is not None and lot_id // LOTS_A_TRANSACTION_MAX == tx_id


async def _entries(db: Db, tx_ids: Sequence[int]) -> dict[int, list[Entry]]:
    rows = await db.fetch(
        """SELECT tx_id, account_id, lot_id, amount, balance_after FROM ledger_entries
           WHERE tx_id = ANY($1::bigint[]) ORDER BY tx_id, place""",
        tx_ids,
    )
    found: dict[int, list[Entry]] = {}
    for tx_id, *entry in rows:
        found.setdefault(tx_id, []).append(Entry(*entry))
    return found


async def users_after(db: Db, user_id: int, *, limit: int) -> list[int]:
    """The next users who have accounts."""
    rows = await db.fetch(
        "SELECT id / $3 FROM ledger_accounts WHERE id >= ($1::bigint + 1) * $3 AND id % $3 = 0 ORDER BY id LIMIT $2",
        *(user_id, limit, POCKETS_MAX),
    )
    return [row[0] for row in rows]


async def of_users(db: Db, users: Sequence[int]) -> list[Violation]:
    """What the accounts and lots of these users break, all of it as it was at one instant."""
    rows = await db.fetch(
        """WITH moved AS (
               SELECT t.user_id, e.account_id, e.lot_id, sum(e.amount)::bigint AS total
               FROM ledger_txs AS t JOIN ledger_entries AS e ON e.tx_id = t.id AND e.account_id > 0
               WHERE t.user_id = ANY($1::bigint[]) GROUP BY 1, 2, 3),
             accounts AS (
               SELECT a.id, a.balance, u.user_id FROM unnest($1::bigint[]) AS u (user_id)
               JOIN ledger_accounts AS a ON a.id BETWEEN u.user_id * $2 AND u.user_id * $2 + $2 - 1),
             lots AS (SELECT * FROM ledger_lots WHERE user_id = ANY($1::bigint[]))
           SELECT 'balances', 'account ' || a.id || ': ' || a.balance || ', not ' || coalesce(sum(m.total), 0)
           FROM accounts AS a LEFT JOIN moved AS m ON m.account_id = a.id
           GROUP BY a.id, a.balance HAVING a.balance <> coalesce(sum(m.total), 0)
         UNION ALL
           SELECT 'nobody_below_zero', 'account ' || id || ': ' || balance FROM accounts WHERE balance < 0
         UNION ALL
           SELECT 'lots', 'lot ' || coalesce(l.id, m.lot_id) || ': ' || coalesce(l.remaining, 0) || ' left, not '
                  || coalesce(m.total, 0)
           FROM lots AS l FULL JOIN (SELECT * FROM moved WHERE lot_id IS NOT NULL) AS m
                ON m.lot_id = l.id AND m.account_id = l.user_id * $2 + l.pocket
           WHERE coalesce(l.remaining, 0) <> coalesce(m.total, 0)
         UNION ALL
           SELECT 'lots', 'account ' || a.id || ': ' || a.balance || ', not ' || coalesce(sum(l.remaining), 0)
           FROM accounts AS a LEFT JOIN lots AS l ON l.user_id = a.user_id AND l.pocket = a.id % $2
           WHERE a.id % $2 = ANY($3::bigint[])
           GROUP BY a.id, a.balance HAVING a.balance <> coalesce(sum(l.remaining), 0)
         UNION ALL
           SELECT 'origin_once', 'user ' || user_id || ': ' || count(*) || ' lots of ' || origin FROM lots
           WHERE pocket = ANY($4::bigint[]) GROUP BY user_id, pocket, origin HAVING count(*) > 1""",
        *(users, POCKETS_MAX, [pocket.value for pocket in WITH_LOTS], [pocket.value for pocket in ONE_LOT_EACH]),
    )
    return [Violation(Invariant(row[0]), row[1]) for row in rows]


async def of_all_accounts(db: Db) -> list[Violation]:
    """Whether what all accounts hold together is nothing, by currency, at one instant."""
    rows = await db.fetch(
        """SELECT min(id), sum(balance)::bigint FROM ledger_accounts
           GROUP BY CASE WHEN id > 0 THEN id % $1 ELSE -1 - (-1 - id) / 64 END""",
        POCKETS_MAX,
    )
    totals: dict[str, int] = {}
    for account_id, total in rows:
        currency = currency_of(account_id)
        totals[currency] = totals.get(currency, 0) + total
    return [Violation(Invariant.HOUSE, f"{total} {currency} too many") for currency, total in totals.items() if total]
