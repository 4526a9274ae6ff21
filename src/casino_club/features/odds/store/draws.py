"""Statements about draws. A draw, its nonce and the user's next state are written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.proofs import Drawn
from casino_club.features.odds.store.seeds import Seed
from casino_club.infra.db.database import Crossed, Db
from casino_club.infra.db.values import flat, placeholders


@dataclass(frozen=True, slots=True)
class NewDraw:
    """A draw as it is written."""

    product: str
    digest: str
    drawn: Drawn
    cell: str
    currency: str
    staked: int


@dataclass(frozen=True, slots=True)
class KeptDraw:
    """A draw as it was written."""

    id: int
    product: str
    digest: str
    commit_id: UUID
    nonce: int
    client_seed: str | None
    state: int
    next_state: int
    bets: Sequence[Bet]
    stops: Sequence[int]
    name: str
    currency: str
    staked: int
    returned: int
    drawn_at: datetime


async def state_of(db: Db, user_id: int, product: str) -> int:
    """Where the user stands in a product with pity."""
    state: int | None = await db.fetchval(
        "SELECT state FROM odds_states WHERE user_id = $1 AND product = $2", user_id, product
    )
    return state or 0


async def add_draws(db: Db, user_id: int, seed: Seed, new: Sequence[NewDraw], *, now: datetime) -> list[int]:
    """Write draws of a locked seed and take their nonces, its next ones; the draws' ids.

    Raises `Crossed` if the user chose another client seed while it was being locked.
    """
    ids: list[int] | None = await db.fetchval(
        _adding(len(new)),
        *(user_id, seed.commit_id, seed.client_seed, seed.next_nonce, len(new), now),
        *flat(map(_fields, new)),
    )
    if ids is None:
        raise Crossed("the user chose another client seed meanwhile")
    return ids


async def save_state(db: Db, user_id: int, product: str, state: int) -> None:
    """Where the user's next draw of a product with pity begins."""
    await db.execute(
        "INSERT INTO odds_states VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, product) DO UPDATE SET state = excluded.state",
        *(user_id, product, state),
    )


def _fields(new: NewDraw) -> tuple[object, ...]:
    """In the order of `_TYPES`."""
    drawn, outcome = new.drawn, new.drawn.outcome
    bets = [{"bet": bet.bet, "stake": bet.stake} for bet in drawn.bets]
    return (
        *(drawn.nonce, new.product, new.digest, drawn.state, outcome.next_state, _json(bets)),
        *(_json(list(drawn.stops)), outcome.name, new.cell, new.currency, new.staked, outcome.returned),
    )


_TYPES: Final = (
    *("bigint", "text", "text", "int", "int", "jsonb"),
    *("jsonb", "text", "text", "text", "bigint", "bigint"),
)


@lru_cache(maxsize=64)
def _adding(count: int) -> str:
    return f"""WITH taken AS (
            UPDATE odds_seeds SET next_nonce = $4::bigint + $5::int
            WHERE commit_id = $2 AND next_nonce = $4 AND $3 = (
                SELECT client_seed FROM odds_client_seeds WHERE commit_id = $2 ORDER BY first_nonce DESC LIMIT 1)
            RETURNING commit_id),
        drawn AS (
            INSERT INTO odds_draws (user_id, commit_id, drawn_at, nonce, product, digest, state, next_state, bets,
                                    stops, name, cell, currency, staked, returned)
            SELECT $1, taken.commit_id, $6, v.* FROM taken, ({placeholders(_TYPES, count, after=6)}) AS v
            RETURNING id, nonce),
        unwatched AS (INSERT INTO odds_unwatched SELECT id FROM drawn)
        SELECT array_agg(id ORDER BY nonce) FROM drawn"""  # noqa: S608 - made of our own names, before any request


_DRAW = """SELECT d.*, (SELECT client_seed FROM odds_client_seeds
                        WHERE commit_id = d.commit_id AND first_nonce <= d.nonce ORDER BY first_nonce DESC LIMIT 1)
           FROM odds_draws AS d"""


async def draw_of(db: Db, user_id: int, draw_id: int) -> KeptDraw | None:
    """One of the user's draws."""
    row = await db.fetchrow(f"{_DRAW} WHERE id = $1 AND user_id = $2", draw_id, user_id)
    return None if row is None else _kept(row)


async def draws_of(db: Db, user_id: int, *, before_id: int | None, limit: int) -> list[KeptDraw]:
    """The user's draws, the latest first."""
    rows = await db.fetch(
        f"{_DRAW} WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        *(user_id, before_id, limit),
    )
    return [_kept(row) for row in rows]


def _kept(row: asyncpg.Record) -> KeptDraw:
    fields: dict[str, Any] = {name: row[name] for name in KeptDraw.__dataclass_fields__}
    bets = msgspec.json.decode(row["bets"], type=list[Bet])
    return KeptDraw(**{**fields, "bets": bets, "stops": msgspec.json.decode(row["stops"], type=list[int])})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
