"""Statements that move money: one that loads and locks, one that writes all of a transaction; for coins one in all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from casino_club.features.wallet.rules.accounts import Pocket, account_of, pocket_of
from casino_club.features.wallet.rules.orders import Decision, Entry, Lot, Order
from casino_club.features.wallet.rules.plain import Plain
from casino_club.infra.db.database import Db
from casino_club.infra.db.values import flat, placeholders


class Key(NamedTuple):
    """What makes a movement happen once: whose key it is, and the key."""

    scope: str
    key: UUID


class Taken(NamedTuple):
    """The transaction that has a key."""

    id: int
    body_hash: bytes


class Loaded(NamedTuple):
    """The user's balances, locked; an id for the transaction; and the one that has the key, if one does."""

    balances: Mapping[Pocket, int]
    tx_id: int
    taken: Taken | None


class Writing(NamedTuple):
    """What a transaction says of itself."""

    id: int
    key: Key
    body_hash: bytes
    kind: str
    user_id: int
    posted_at: datetime
    corrects: int | None = None


class Done(NamedTuple):
    """A transaction that one statement has made, and the coins that the user has after it."""

    tx_id: int
    coins: int


async def carry_out(db: Db, order: Order, plain: Plain, *, key: Key, at: datetime) -> Done | None:
    """Move coins, if the user has enough and the key is free; None if there is more to it.

    The user's account is locked before the key is taken and before the house's stripe is locked: each step is made of
    what the one before it returns. Raises UniqueViolationError if the key was taken meanwhile.
    """
    row = await db.fetchrow(
        _carrying_out(len(plain.entries), len(plain.house_changes)),
        *(account_of(order.user_id, Pocket.COINS), plain.gained, plain.needed),
        *(key.scope, key.key, order.body_hash, order.kind, order.user_id, at),
        *flat((place, each.account_id, each.amount, each.balance_after) for place, each in enumerate(plain.entries)),
        *flat(plain.house_changes.items()),
    )
    if row is None:
        return None
    assert row[2] == len(plain.house_changes), "an account of the house is missing"
    return Done(row[0], row[1])


_ENTRY: Final = ("smallint", "bigint", "bigint", "bigint")
_CHANGE: Final = ("bigint", "bigint")


@lru_cache(maxsize=64)
def _carrying_out(entries: int, house_changes: int) -> str:
    entry_rows = placeholders(_ENTRY, entries, after=9)
    change_rows = placeholders(_CHANGE, house_changes, after=9 + entries * len(_ENTRY))
    return f"""WITH held AS (UPDATE ledger_accounts SET balance = balance + $2
                      WHERE id = $1 AND balance >= $3
                        AND NOT EXISTS (SELECT FROM ledger_txs WHERE idem_scope = $4 AND idem_key = $5)
                      RETURNING balance),
             tx AS (INSERT INTO ledger_txs (id, idem_scope, idem_key, body_hash, kind, user_id, posted_at)
                    SELECT nextval('ledger_tx_ids'), $4, $5, $6, $7, $8, $9 FROM held RETURNING id),
             entries AS (INSERT INTO ledger_entries (tx_id, place, account_id, amount, balance_after)
                         SELECT tx.id, v.place, v.account_id, v.amount, held.balance - v.below
                         FROM held, tx, ({entry_rows}) AS v (place, account_id, amount, below)),
             moved AS (UPDATE ledger_accounts AS a SET balance = a.balance + v.amount
                       FROM tx, ({change_rows}) AS v (id, amount) WHERE a.id = v.id RETURNING 1)
        SELECT tx.id, held.balance, (SELECT count(*) FROM moved) FROM held, tx"""  # noqa: S608 - made of our own names


async def load(db: Db, user_id: int, key: Key) -> Loaded:
    """Lock the user's accounts, in ascending order, and see whether the key is taken."""
    row = await db.fetchrow(
        """WITH held AS (SELECT id, balance FROM ledger_accounts WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE)
           SELECT nextval('ledger_tx_ids'), (SELECT array_agg(id ORDER BY id) FROM held),
                  (SELECT array_agg(balance ORDER BY id) FROM held), t.id, t.body_hash
           FROM (VALUES (1)) AS one LEFT JOIN ledger_txs AS t ON t.idem_scope = $2 AND t.idem_key = $3""",
        [account_of(user_id, pocket) for pocket in Pocket],
        key.scope,
        key.key,
    )
    assert row is not None
    tx_id, ids, balances, taken_id, body_hash = row
    held = {pocket_of(account): balance for account, balance in zip(ids or (), balances or (), strict=True)}
    taken = None if taken_id is None else Taken(taken_id, body_hash)
    return Loaded({pocket: held[pocket] for pocket in Pocket if pocket in held}, tx_id, taken)


async def add_accounts(db: Db, user_id: int) -> None:
    """Give the user an account for every pocket."""
    await db.execute(
        """INSERT INTO ledger_accounts (id, balance) SELECT unnest($1::bigint[]), 0 ORDER BY 1
           ON CONFLICT DO NOTHING""",
        [account_of(user_id, pocket) for pocket in Pocket],
    )


async def oldest_lots(db: Db, user_id: int, pockets: Sequence[Pocket], *, amount: int) -> list[Lot]:
    """Of the user's lots in these pockets, the oldest that hold this much together; the user is locked."""
    rows = await db.fetch(
        """SELECT id, pocket, remaining FROM (
               SELECT id, pocket, remaining, sum(remaining) OVER (ORDER BY id) - remaining AS before
               FROM ledger_lots WHERE user_id = $1 AND pocket = ANY($2::int[]) AND remaining > 0) AS lots
           WHERE before < $3 ORDER BY id""",
        user_id,
        [pocket.value for pocket in pockets],
        amount,
    )
    return [Lot(row[0], Pocket(row[1]), row[2]) for row in rows]


async def lots_with_ids(db: Db, ids: Sequence[int]) -> dict[int, Lot]:
    """These lots, as they are now."""
    rows = await db.fetch("SELECT id, pocket, remaining FROM ledger_lots WHERE id = ANY($1::bigint[])", ids)
    return {row[0]: Lot(row[0], Pocket(row[1]), row[2]) for row in rows}


async def lot_of_origin(db: Db, user_id: int, pocket: Pocket, origin: str) -> Lot | None:
    """The user's lot that came from there."""
    row = await db.fetchrow(
        "SELECT id, remaining FROM ledger_lots WHERE user_id = $1 AND pocket = $2 AND origin = $3 ORDER BY id LIMIT 1",
        *(user_id, pocket.value, origin),
    )
    return None if row is None else Lot(row[0], pocket, row[1])


async def write(db: Db, tx: Writing, decided: Decision) -> None:
    """Write a transaction: itself, its entries, balances and lots. The house's stripes are locked here, last.

    Raises UniqueViolationError if the key was taken meanwhile.
    """
    accounts, lots = decided.account_changes, decided.lot_changes
    moved = await db.fetchval(
        """WITH tx AS (INSERT INTO ledger_txs (id, idem_scope, idem_key, body_hash, kind, user_id, posted_at, corrects)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)),
                entries AS (INSERT INTO ledger_entries (tx_id, place, account_id, lot_id, amount, balance_after)
                            SELECT $1, v.* FROM unnest($9::smallint[], $10::bigint[], $11::bigint[], $12::bigint[],
                                                       $13::bigint[]) AS v),
                made AS (INSERT INTO ledger_lots (id, user_id, pocket, amount, remaining, origin)
                         SELECT v.id, $6, v.pocket, v.amount, v.remaining, v.origin
                         FROM unnest($14::bigint[], $15::int[], $16::bigint[], $17::text[], $22::bigint[])
                              AS v (id, pocket, amount, origin, remaining)),
                used AS (UPDATE ledger_lots AS l SET remaining = l.remaining + v.amount
                         FROM unnest($18::bigint[], $19::bigint[]) AS v (id, amount) WHERE l.id = v.id),
                moved AS (UPDATE ledger_accounts AS a SET balance = a.balance + v.amount
                          FROM unnest($20::bigint[], $21::bigint[]) AS v (id, amount) WHERE a.id = v.id RETURNING 1)
           SELECT count(*) FROM moved""",
        *(tx.id, tx.key.scope, tx.key.key, tx.body_hash, tx.kind, tx.user_id, tx.posted_at, tx.corrects),
        *_entry_columns(decided.entries),
        [lot.id for lot in decided.new_lots],
        [lot.pocket.value for lot in decided.new_lots],
        [lot.amount for lot in decided.new_lots],
        [lot.origin for lot in decided.new_lots],
        *(list(lots), list(lots.values())),
        *(list(accounts), list(accounts.values())),
        [lot.remaining for lot in decided.new_lots],
    )
    assert moved == len(accounts), "an account is missing"


def _entry_columns(entries: Sequence[Entry]) -> tuple[list[int | None], ...]:
    return (
        list(range(len(entries))),
        [entry.account_id for entry in entries],
        [entry.lot_id for entry in entries],
        [entry.amount for entry in entries],
        [entry.balance_after for entry in entries],
    )


async def entries_of(db: Db, tx_id: int) -> list[Entry]:
    """A transaction's entries, in their order."""
    rows = await db.fetch(
        "SELECT account_id, lot_id, amount, balance_after FROM ledger_entries WHERE tx_id = $1 ORDER BY place", tx_id
    )
    return [Entry(*row) for row in rows]
