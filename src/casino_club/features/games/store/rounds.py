"""Statements about rounds: the one that every round begins with, the one that it ends with, and reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from casino_club.features.odds.public import Bet
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency


@dataclass(frozen=True, slots=True)
class Bonus:
    """The bonus draw that came on top of a round, and what it gave, if anything. While it rests nothing is drawn."""

    product: str
    digest: str
    cell: str
    chance: str
    draw_id: int | None
    receipt: str | None
    reward_type: str | None = None
    reward_value: int | None = None
    reference: str | None = None
    is_resting: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """A round that was played, whole."""

    id: int
    user_id: int
    round_id: UUID
    game: str
    product: str
    currency: Currency
    bets: tuple[Bet, ...]
    staked: int
    won: int
    came: str
    draw_id: int
    tx_id: int
    receipt: str
    balance_after: int
    played_at: datetime
    hidden: str | None = None
    salt: str | None = None
    bonus: Bonus | None = None
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The round of this id, if it was played already, and when the user may play again."""

    round: Round | None
    next_play_at: datetime | None


_COLUMNS = ", ".join(f"r.{name}" for name in Round.__dataclass_fields__)


async def standing_of(db: Db, user_id: int, round_id: UUID) -> Standing:
    """How the user stands, who is locked."""
    row = await db.fetchrow(
        f"""SELECT s.next_play_at, {_COLUMNS} FROM (VALUES (1)) AS one
            LEFT JOIN game_standings AS s ON s.user_id = $1
            LEFT JOIN game_rounds AS r ON r.user_id = $1 AND r.round_id = $2""",  # noqa: S608 - names of fields
        *(user_id, round_id),
    )
    assert row is not None
    return Standing(None if row["id"] is None else _round(row), row["next_play_at"])


async def add_round(db: Db, played: Round, *, next_play_at: datetime) -> int:
    """Keep a round, and that the user is busy until then; its id."""
    round_number: int = await db.fetchval(
        """WITH paced AS (
               INSERT INTO game_standings (user_id, next_play_at) VALUES ($1, $16)
               ON CONFLICT (user_id) DO UPDATE SET next_play_at = excluded.next_play_at)
           INSERT INTO game_rounds (user_id, round_id, game, product, currency, bets, staked, won, came, draw_id, tx_id,
                                    receipt, balance_after, played_at, hidden, salt, bonus, is_free)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17, $18, $19) RETURNING id""",
        *(played.user_id, played.round_id, played.game, played.product, played.currency),
        msgspec.json.encode(played.bets).decode(),
        *(played.staked, played.won, played.came, played.draw_id, played.tx_id, played.receipt, played.balance_after),
        *(played.played_at, played.hidden, next_play_at, played.salt),
        None if played.bonus is None else msgspec.json.encode(played.bonus).decode(),
        played.is_free,
    )
    return round_number


async def round_of(db: Db, user_id: int, round_id: UUID) -> Round | None:
    """One of the user's rounds."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM game_rounds AS r WHERE user_id = $1 AND round_id = $2",  # noqa: S608 - names of fields
        *(user_id, round_id),
    )
    return None if row is None else _round(row)


async def rounds_of(db: Db, user_id: int, *, game: str | None, before_id: int | None, limit: int) -> list[Round]:
    """The user's rounds, the latest first."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM game_rounds AS r
            WHERE user_id = $1 AND ($2::text IS NULL OR game = $2) AND ($3::bigint IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4""",  # noqa: S608 - names of fields
        *(user_id, game, before_id, limit),
    )
    return [_round(row) for row in rows]


async def came_lately(db: Db, product: str, *, limit: int) -> list[str]:
    """What came in everybody's last rounds of a product, the latest first."""
    rows: Sequence[asyncpg.Record] = await db.fetch(
        "SELECT came FROM game_rounds WHERE product = $1 ORDER BY id DESC LIMIT $2", product, limit
    )
    return [row[0] for row in rows]


async def forget_user(db: Db, user_id: int) -> None:
    """Take away how the user stood. Rounds stay."""
    await db.execute("DELETE FROM game_standings WHERE user_id = $1", user_id)


def _round(row: asyncpg.Record) -> Round:
    fields: dict[str, Any] = {name: row[name] for name in Round.__dataclass_fields__}
    bets = msgspec.json.decode(row["bets"], type=tuple[Bet, ...])
    bonus = None if row["bonus"] is None else msgspec.json.decode(row["bonus"], type=Bonus)
    return Round(**{**fields, "bets": bets, "bonus": bonus, "currency": Currency(row["currency"])})
