"""Statements about draws. A draw, its nonce and the user's next state are written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.proofs import Drawn
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class NewDraw:
    """A draw as it is written."""

    user_id: int
    product: str
    digest: str
    commit_id: UUID
    drawn: Drawn
    cell: str
    currency: str
    staked: int
    is_stateful: bool


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


async def add_draw(db: Db, new: NewDraw, *, now: datetime) -> int:
    """Write a draw and take its nonce; its id."""
    drawn, outcome = new.drawn, new.drawn.outcome
    draw_id: int = await db.fetchval(
        _ADD,
        *(new.user_id, new.product, new.digest, new.commit_id, drawn.nonce),
        *(drawn.state, outcome.next_state, _json([{"bet": bet.bet, "stake": bet.stake} for bet in drawn.bets])),
        *(_json(list(drawn.stops)), outcome.name, new.cell, new.currency, new.staked, outcome.returned, now),
    )
    if new.is_stateful:
        await db.execute(
            "INSERT INTO odds_states VALUES ($1, $2, $3)"
            " ON CONFLICT (user_id, product) DO UPDATE SET state = excluded.state",
            *(new.user_id, new.product, outcome.next_state),
        )
    return draw_id


_ADD = """WITH taken AS (UPDATE odds_seeds SET next_nonce = $5 + 1 WHERE commit_id = $4 AND next_nonce = $5),
          drawn AS (
              INSERT INTO odds_draws (user_id, product, digest, commit_id, nonce, state, next_state, bets, stops, name,
                                      cell, currency, staked, returned, drawn_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id)
          INSERT INTO odds_unwatched SELECT id FROM drawn RETURNING draw_id"""


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
