"""Statements about purchases, and about how many of an item are taken."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from casino_club.features.shop.rules.offers import Bought
from casino_club.features.shop.rules.purchases import (
    OPEN,
    STUCK_AFTER_LOOKS,
    WAITS_ON_PROVIDER,
    Because,
    Purchase,
    State,
)
from casino_club.infra.db.database import Db

_FIELDS = tuple(Purchase.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)
_ADDED = _FIELDS[1:]


async def of_key(db: Db, user_id: int, purchase_key: UUID) -> Purchase | None:
    """One of the user's purchases."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM shop_transactions WHERE user_id = $1 AND purchase_key = $2",  # noqa: S608 - names of fields
        *(user_id, purchase_key),
    )
    return None if row is None else _purchase(row)


async def of_payment(db: Db, payment_key: UUID) -> Purchase | None:
    """The purchase that a payment is for."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM shop_transactions WHERE payment_key = $1",  # noqa: S608 - names of fields
        payment_key,
    )
    return None if row is None else _purchase(row)


async def with_id(db: Db, purchase_id: int, *, is_locked: bool = False) -> Purchase | None:
    """One purchase. Its user is locked before it is."""
    lock = " FOR NO KEY UPDATE" if is_locked else ""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM shop_transactions WHERE id = $1{lock}",  # noqa: S608 - names of fields
        purchase_id,
    )
    return None if row is None else _purchase(row)


async def add(db: Db, purchase: Purchase) -> int:
    """Keep a purchase; its id. Raises UniqueViolationError if its key was taken meanwhile."""
    places = ", ".join(f"${place}" for place in range(1, len(_ADDED) + 1))
    added: int = await db.fetchval(
        f"INSERT INTO shop_transactions ({', '.join(_ADDED)}) VALUES ({places}) RETURNING id",  # noqa: S608 - names of fields
        *astuple(purchase)[1:],
    )
    return added


async def save(db: Db, purchase: Purchase) -> None:
    """Write down how a purchase stands, which is locked."""
    await db.execute(
        """UPDATE shop_transactions SET state = $2, is_counted = $3, has_goods = $4, settled_at = $5,
                  refunded_krw = $6, refund_because = $7, looks = $8, look_at = $9 WHERE id = $1""",
        *(purchase.id, purchase.state, purchase.is_counted, purchase.has_goods, purchase.settled_at),
        *(purchase.refunded_krw, purchase.refund_because, purchase.looks, purchase.look_at),
    )


async def bought(db: Db, user_id: int, item_ids: Sequence[str], *, day_start: datetime) -> dict[str, Bought]:
    """How many of these items the user has bought, and everybody of those that there is a stock of."""
    rows = await db.fetch(
        """SELECT i.id, coalesce(t.today, 0)::bigint, coalesce(t.ever, 0)::bigint, coalesce(s.taken, 0)
           FROM unnest($2::text[]) AS i (id)
           LEFT JOIN shop_stocks AS s ON s.item_id = i.id
           LEFT JOIN (SELECT item_id, sum(quantity) AS ever, sum(quantity) FILTER (WHERE timestamp >= $3) AS today
                      FROM shop_transactions WHERE user_id = $1 AND is_counted AND item_id = ANY($2::text[])
                      GROUP BY item_id) AS t ON t.item_id = i.id""",
        *(user_id, item_ids, day_start),
    )
    return {row[0]: Bought(*row[1:]) for row in rows}


async def open_count(db: Db, user_id: int) -> int:
    """How many purchases of the user wait for their payment."""
    found: int = await db.fetchval(
        "SELECT count(*) FROM shop_transactions WHERE user_id = $1 AND is_counted AND state = ANY($2::text[])",
        *(user_id, list(OPEN)),
    )
    return found


async def stuck(db: Db) -> dict[State, int]:
    """How many purchases there are for which the provider has been asked in vain for minutes, by state."""
    rows = await db.fetch(
        "SELECT state, count(*) FROM shop_transactions WHERE look_at IS NOT NULL AND looks >= $1"
        " AND state = ANY($2::text[]) GROUP BY state",
        *(STUCK_AFTER_LOOKS, list(WAITS_ON_PROVIDER)),
    )
    return dict.fromkeys(WAITS_ON_PROVIDER, 0) | {State(row[0]): row[1] for row in rows}


async def take_stock(db: Db, item_id: str, quantity: int, *, stock: int) -> bool:
    """Take so many; False, and none are taken, if there are fewer left."""
    taken = await db.fetchval(
        """INSERT INTO shop_stocks AS s VALUES ($1, $2) ON CONFLICT (item_id) DO UPDATE
           SET taken = s.taken + excluded.taken WHERE s.taken + excluded.taken <= $3 RETURNING taken""",
        *(item_id, quantity, stock),
    )
    return taken is not None


async def give_stock_back(db: Db, item_id: str, quantity: int) -> None:
    """So many are there again."""
    await db.execute("UPDATE shop_stocks SET taken = taken - $2 WHERE item_id = $1", item_id, quantity)


async def claim_due(db: Db, *, now: datetime, again_at: datetime) -> Purchase | None:
    """The purchase whose payment is the longest due to be asked about; until then nobody else claims it."""
    row = await db.fetchrow(
        f"""UPDATE shop_transactions SET look_at = $2 WHERE id = (
                SELECT id FROM shop_transactions WHERE look_at <= $1 ORDER BY look_at, id LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED)
            RETURNING {_COLUMNS}""",  # noqa: S608 - names of fields
        *(now, again_at),
    )
    return None if row is None else _purchase(row)


class Filters(NamedTuple):
    """Which purchases."""

    user_id: int | None = None
    state: State | None = None


async def purchases(db: Db, filters: Filters, *, before_id: int | None, limit: int) -> list[Purchase]:
    """Purchases, the latest first."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM shop_transactions
            WHERE ($1::bigint IS NULL OR user_id = $1) AND ($2::text IS NULL OR state = $2)
              AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4""",  # noqa: S608 - names of fields
        *(*filters, before_id, limit),
    )
    return [_purchase(row) for row in rows]


class Settled(NamedTuple):
    """What a payment that has settled was for."""

    user_id: int
    paid_gems: int
    cash_tokens: int


async def settled(db: Db, purchase_ids: Sequence[int]) -> dict[int, Settled]:
    """Those of these purchases whose payments have settled, whatever became of them afterwards."""
    rows = await db.fetch(
        """SELECT id, user_id, paid_gems, cash_tokens FROM shop_transactions
           WHERE id = ANY($1::bigint[]) AND settled_at IS NOT NULL AND price_krw IS NOT NULL""",
        purchase_ids,
    )
    return {row[0]: Settled(*row[1:]) for row in rows}


def _purchase(row: asyncpg.Record) -> Purchase:
    kept: dict[str, Any] = dict(row)
    because = kept["refund_because"]
    kept |= {"state": State(kept["state"]), "refund_because": None if because is None else Because(because)}
    return Purchase(**kept)
