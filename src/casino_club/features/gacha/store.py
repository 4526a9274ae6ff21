"""Every statement about openings: the one that each begins with, those that it ends with, and reads."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from casino_club.infra.db.database import Db

STRIPES: Final = 16


@dataclass(frozen=True, slots=True)
class Pull:
    """One draw of an opening, and what it gave. The receipt binds the house to it."""

    draw_id: int
    commit_id: UUID
    nonce: int
    receipt: str
    item: str
    tier: str
    reward_type: str
    reward_value: int
    reference: str
    state: int
    next_state: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What a user opened in one gesture, whole."""

    id: int
    user_id: int
    spin_count: int
    result_type: str
    result_value: int
    timestamp: datetime
    spin_id: UUID
    product: str
    digest: str
    price_gems: int
    paid_gems: int
    balance_after: int
    pulls: tuple[Pull, ...]
    tx_id: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The opening of this id, if there is one; when the user may open again; when they last opened this product."""

    opening: Opening | None
    next_at: datetime | None
    last_day: date | None


_COLUMNS = ", ".join(f"g.{name}" for name in Opening.__dataclass_fields__)


async def standing_of(db: Db, user_id: int, spin_id: UUID, product: str) -> Standing:
    """How the user stands, who is locked."""
    row = await db.fetchrow(
        f"""SELECT (SELECT max(next_at) FROM gacha_standings WHERE user_id = $1) AS next_at,
                   (SELECT last_day FROM gacha_standings WHERE user_id = $1 AND product = $3) AS last_day, {_COLUMNS}
            FROM (VALUES (1)) AS one LEFT JOIN gacha_log AS g ON g.user_id = $1 AND g.spin_id = $2""",  # noqa: S608 - names of fields
        *(user_id, spin_id, product),
    )
    assert row is not None
    return Standing(None if row["id"] is None else _opening(row), row["next_at"], row["last_day"])


async def add_opening(db: Db, made: Opening, *, day: date, next_at: datetime) -> int:
    """Keep an opening, and that the user is busy until then; its id."""
    number: int = await db.fetchval(
        """WITH stood AS (
               INSERT INTO gacha_standings AS s (user_id, product, last_day, next_at) VALUES ($1, $7, $13, $14)
               ON CONFLICT (user_id, product) DO UPDATE
               SET last_day = greatest(s.last_day, excluded.last_day), next_at = excluded.next_at)
           INSERT INTO gacha_log (user_id, spin_count, result_type, result_value, timestamp, spin_id, product, digest,
                                  price_gems, paid_gems, balance_after, pulls, tx_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $15) RETURNING id""",
        *(made.user_id, made.spin_count, made.result_type, made.result_value, made.timestamp, made.spin_id),
        *(made.product, made.digest, made.price_gems, made.paid_gems, made.balance_after),
        *(msgspec.json.encode(made.pulls).decode(), day, next_at, made.tx_id),
    )
    return number


async def count_user(db: Db, user_id: int, product: str, *, day: date) -> None:
    """One user more on this day. Call it last, and once a user and day: others on its stripe wait."""
    await db.execute(
        """INSERT INTO gacha_days AS d (day, product, stripe, users) VALUES ($1, $2, $3, 1)
           ON CONFLICT (day, product, stripe) DO UPDATE SET users = d.users + 1""",
        *(day, product, user_id % STRIPES),
    )


async def users_on(db: Db, day: date) -> dict[str, int]:
    """How many users opened each product on this day: a few rows, however many users."""
    rows = await db.fetch("SELECT product, sum(users) FROM gacha_days WHERE day = $1 GROUP BY product", day)
    return {row[0]: row[1] for row in rows}


async def opening_of(db: Db, user_id: int, spin_id: UUID) -> Opening | None:
    """One of the user's openings."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM gacha_log AS g WHERE user_id = $1 AND spin_id = $2",  # noqa: S608 - names of fields
        *(user_id, spin_id),
    )
    return None if row is None else _opening(row)


async def openings_of(db: Db, user_id: int, *, product: str | None, before_id: int | None, limit: int) -> list[Opening]:
    """The user's openings, the latest first."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM gacha_log AS g
            WHERE user_id = $1 AND ($2::text IS NULL OR product = $2) AND ($3::bigint IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4""",  # noqa: S608 - names of fields
        *(user_id, product, before_id, limit),
    )
    return [_opening(row) for row in rows]


async def forget_user(db: Db, user_id: int) -> None:
    """Take away how the user stood. Openings stay."""
    await db.execute("DELETE FROM gacha_standings WHERE user_id = $1", user_id)


def _opening(row: asyncpg.Record) -> Opening:
    fields: dict[str, Any] = {name: row[name] for name in Opening.__dataclass_fields__}
    return Opening(**{**fields, "pulls": msgspec.json.decode(row["pulls"], type=tuple[Pull, ...])})
