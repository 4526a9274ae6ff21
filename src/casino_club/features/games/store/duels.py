"""Statements about duels. What is over is changed no more; a trigger refuses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from casino_club.features.games.rules.duels import Clock, Duel, DuelPolicy, DuelState, Move, Seat
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.money import Currency

_DUEL = "d.number, d.duel_id, d.state, d.currency, d.stake, d.is_listed, d.opened_at, d.due_us, d.over_at"
_SEAT = ("user_id", "commitment", "admitted_at", "stake_tx_id", "move", "salt", "returned")
_WHOLE = f"""SELECT {_DUEL}, {", ".join(f"array_agg(s.{name} ORDER BY s.place) AS {name}" for name in _SEAT)}
             FROM game_duels AS d JOIN game_duel_seats AS s ON s.duel_number = d.number"""  # noqa: S608 - our own names
_LIVE = "over_at IS NULL"


async def duel(db: Db, duel_id: UUID) -> Duel | None:
    """One duel. Whoever has locked the challenger sees it as it stays."""
    found = await _duels(db, "WHERE d.duel_id = $1", "", duel_id)
    return found[0] if found else None


async def live_duel_of(db: Db, user_id: int) -> Duel | None:
    """The one that the user, who is locked, has not finished."""
    found = await _duels(
        db,
        f"""WHERE d.{_LIVE} AND d.number IN (SELECT duel_number FROM game_duel_seats
                                             WHERE user_id = $1 AND returned IS NULL)""",  # noqa: S608 - our own words
        "",
        user_id,
    )
    return found[0] if found else None


async def duels_of(db: Db, user_id: int, *, before: int | None, limit: int) -> list[Duel]:
    """The user's duels, the latest first."""
    return await _duels(
        db,
        """WHERE d.number IN (SELECT duel_number FROM game_duel_seats
                              WHERE user_id = $1 AND ($2::bigint IS NULL OR duel_number < $2)
                              ORDER BY duel_number DESC LIMIT $3)""",
        "ORDER BY d.number DESC",
        *(user_id, before, limit),
    )


async def open_duels(db: Db, user_id: int, currency: Currency | None, *, limit: int) -> list[Duel]:
    """Challenges that wait for anybody, but for the user's own; the latest first."""
    return await _duels(
        db,
        f"""WHERE d.{_LIVE} AND d.state = 'open' AND d.is_listed AND s.user_id <> $1
              AND ($2::text IS NULL OR d.currency = $2)""",
        "ORDER BY d.number DESC LIMIT $3",
        *(user_id, currency, limit),
    )


async def late_duels(db: Db, clock: Clock, policy: DuelPolicy, *, after: int, limit: int) -> list[Duel]:
    """Live duels behind this one whose time is up, the oldest first."""
    lasts = [policy.lasts_us(state) for state in (DuelState.OPEN, DuelState.JOINED)]
    return await _duels(
        db,
        f"""WHERE d.{_LIVE} AND d.number > $1 AND d.due_us <= $2
              AND $3 + CASE WHEN d.state = 'open' THEN $4::bigint ELSE $5::bigint END <= $2""",
        "ORDER BY d.number LIMIT $6",
        *(after, clock.answered_us, clock.resumed_us, *lasts, limit),
    )


async def _duels(db: Db, where: str, order: str, *given: Any) -> list[Duel]:
    rows = await db.fetch(f"{_WHOLE} {where} GROUP BY d.number {order}", *given)
    return [_duel(row) for row in rows]


def _duel(row: asyncpg.Record) -> Duel:
    seats = tuple(
        Seat(**{**dict(zip(_SEAT, values, strict=True)), "move": Move(values[4]) if values[4] else None})
        for values in zip(*(row[name] for name in _SEAT), strict=True)
    )
    fields = {name: row[name] for name in Duel.__dataclass_fields__ if name != "seats"}
    return Duel(**{**fields, "state": DuelState(row["state"]), "currency": Currency(row["currency"]), "seats": seats})


async def open_duel(
    db: Db, duel_id: UUID, user_id: int, currency: Currency, stake: int, *, is_listed: bool, due_us: int, at: datetime
) -> None:
    """Keep a challenge."""
    try:
        await db.execute(
            """WITH d AS (INSERT INTO game_duels (duel_id, state, currency, stake, is_listed, due_us, opened_at)
                          VALUES ($1, 'open', $3, $4, $5, $6, $7) RETURNING number)
               INSERT INTO game_duel_seats (duel_number, place, user_id) SELECT number, 0, $2 FROM d""",
            *(duel_id, user_id, currency, stake, is_listed, due_us, at),
        )
    except asyncpg.UniqueViolationError as taken:
        raise Crossed("somebody else took the duel's id") from taken


async def join_duel(db: Db, duel: Duel, user_id: int, *, due_us: int) -> None:
    """Keep who has the second seat."""
    await db.execute(
        """WITH d AS (UPDATE game_duels SET state = 'joined', due_us = $3 WHERE number = $1)
           INSERT INTO game_duel_seats (duel_number, place, user_id) VALUES ($1, 1, $2)""",
        *(duel.number, user_id, due_us),
    )


async def commit_to(db: Db, duel: Duel, seat: Seat) -> None:
    """Keep a commitment, and the stake that came with it."""
    await db.execute(
        """UPDATE game_duel_seats SET commitment = $3, admitted_at = $4, stake_tx_id = $5
           WHERE duel_number = $1 AND user_id = $2""",
        *(duel.number, seat.user_id, seat.commitment, seat.admitted_at, seat.stake_tx_id),
    )


async def all_committed(db: Db, duel: Duel, *, due_us: int) -> None:
    """Both have staked."""
    await db.execute("UPDATE game_duels SET state = 'committed', due_us = $2 WHERE number = $1", duel.number, due_us)


async def reveal(db: Db, duel: Duel, seat: Seat) -> None:
    """Keep a move."""
    await db.execute(
        "UPDATE game_duel_seats SET move = $3, salt = $4 WHERE duel_number = $1 AND user_id = $2",
        *(duel.number, seat.user_id, seat.move, seat.salt),
    )


async def finish(db: Db, duel: Duel) -> None:
    """Keep how the duel ended, once."""
    await db.execute(
        """UPDATE game_duel_seats AS s SET returned = v.returned
           FROM unnest($2::bigint[], $3::bigint[]) AS v (user_id, returned)
           WHERE s.duel_number = $1 AND s.user_id = v.user_id""",
        *(duel.number, list(duel.users), [seat.returned for seat in duel.seats]),
    )
    await db.execute(
        "UPDATE game_duels SET state = $2, over_at = $3 WHERE number = $1", duel.number, duel.state, duel.over_at
    )


async def pace(db: Db, users: Sequence[int], *, until: datetime) -> None:
    """Keep that these users are busy until then."""
    await db.execute(
        """INSERT INTO game_standings (user_id, next_play_at) SELECT unnest($1::bigint[]), $2
           ON CONFLICT (user_id) DO UPDATE SET next_play_at = excluded.next_play_at""",
        *(list(users), until),
    )


async def next_play_at(db: Db, user_id: int) -> datetime | None:
    """When the user may play again."""
    found: datetime | None = await db.fetchval("SELECT next_play_at FROM game_standings WHERE user_id = $1", user_id)
    return found
