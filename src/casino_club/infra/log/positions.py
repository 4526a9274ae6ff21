"""Positions in PostgreSQL. They move by compare-and-set: who finds a position moved by another stops at once."""

from dataclasses import dataclass, replace
from datetime import datetime

from casino_club.infra.db.database import Db
from casino_club.infra.log.reader import Position
from casino_club.infra.log.topics import from_json, to_json

LIVE = 0
"""The generation that readers of a projection see; higher ones are being rebuilt beside it."""


class TakenOver(Exception):
    """Another process has moved this position."""


@dataclass(frozen=True, slots=True)
class Held:
    """A position as it was read, with the number of moves that the next one must find."""

    consumer: str
    generation: int
    moves: int
    position: Position


async def take(db: Db, consumer: str, generation: int = LIVE) -> Held:
    """The consumer's position, made at the log's beginning if there is none."""
    await db.execute(
        """INSERT INTO log_positions (consumer, generation, delivered, last_id, carry_to, moves, moved_at)
           VALUES ($1, $2, $3, 0, (SELECT nullif(floor_id, 0) FROM log_origin), 0, now()) ON CONFLICT DO NOTHING""",
        consumer,
        generation,
        Position().delivered,
    )
    row = await db.fetchrow(
        """SELECT moves, delivered, delivering, last_id, carry_to,
                  coalesce((SELECT floor_id FROM log_origin), 0) AS floor_id, judged_id, judged_to, topic::text
           FROM log_positions WHERE consumer = $1 AND generation = $2""",
        consumer,
        generation,
    )
    assert row is not None
    moves, *position, topic = row
    return Held(
        consumer, generation, moves, replace(Position(*position), topic=None if topic is None else from_json(topic))
    )


async def begin_after(db: Db, consumer: str, generation: int, after_id: int) -> None:
    """Leave out the ids up to this one, unless the consumer has begun already."""
    await db.execute(
        """UPDATE log_positions SET last_id = $3
           WHERE consumer = $1 AND generation = $2 AND moves = 0 AND last_id < $3""",
        consumer,
        generation,
        after_id,
    )


async def move(db: Db, held: Held, to: Position) -> Held:
    """Move the position in the caller's transaction; raises TakenOver if another moved it first."""
    moved = await db.fetchval(
        """UPDATE log_positions
           SET delivered = $4, delivering = $5, last_id = $6, carry_to = $7, judged_id = $8, judged_to = $9,
               topic = $10, moves = moves + 1, moved_at = now()
           WHERE consumer = $1 AND generation = $2 AND moves = $3 RETURNING moves""",
        held.consumer,
        held.generation,
        held.moves,
        to.delivered,
        to.delivering,
        to.last_id,
        to.carry_to,
        to.judged_id,
        to.judged_to,
        to_json(to.topic) if to.topic else None,
    )
    if moved is None:
        raise TakenOver(f"{held.consumer}: the position was moved by another process")
    return Held(held.consumer, held.generation, moved, to)


async def moved_at(db: Db, consumer: str) -> datetime | None:
    """When the consumer's live position moved last; None if it has none."""
    at: datetime | None = await db.fetchval(
        "SELECT moved_at FROM log_positions WHERE consumer = $1 AND generation = $2", consumer, LIVE
    )
    return at


async def moves_of(db: Db, consumer: str) -> int:
    """How often the consumer's live position has moved; 0 if it has none."""
    moves: int | None = await db.fetchval(
        "SELECT moves FROM log_positions WHERE consumer = $1 AND generation = $2", consumer, LIVE
    )
    return moves or 0


async def live_moves(db: Db) -> dict[str, int]:
    """How often each live position has moved: the least mark that a hot store must show."""
    rows = await db.fetch("SELECT consumer, moves FROM log_positions WHERE generation = $1", LIVE)
    return {row[0]: row[1] for row in rows}


async def begin_again(db: Db, consumer: str, generation: int) -> None:
    """Go back to the log's beginning. Whoever holds the position finds it taken over."""
    assert generation != LIVE
    await take(db, consumer, generation)
    await db.execute(
        """UPDATE log_positions
           SET delivered = $3, delivering = NULL, last_id = 0, moves = moves + 1, moved_at = now(),
               carry_to = (SELECT nullif(floor_id, 0) FROM log_origin), judged_id = NULL, judged_to = NULL,
               topic = NULL
           WHERE consumer = $1 AND generation = $2""",
        consumer,
        generation,
        Position().delivered,
    )


async def drop(db: Db, consumer: str, generation: int, *, moves: int | None = None) -> bool:
    """Forget the position of a generation that was rebuilt or given up; False if it has not moved so often, or more."""
    assert generation != LIVE
    dropped = await db.fetchval(
        """DELETE FROM log_positions
           WHERE consumer = $1 AND generation = $2 AND ($3::bigint IS NULL OR moves = $3) RETURNING 1""",
        consumer,
        generation,
        moves,
    )
    return dropped is not None


async def take_place_of_live(db: Db, held: Held) -> bool:
    """Let the live position be that of a rebuilt generation, which is forgotten; False if that has moved on.

    Whoever follows for the live generation finds the position taken over.
    """
    assert held.generation != LIVE
    await take(db, held.consumer, LIVE)
    moved = await db.fetchval(
        """UPDATE log_positions AS live
           SET delivered = built.delivered, delivering = built.delivering, last_id = built.last_id,
               carry_to = built.carry_to, judged_id = built.judged_id, judged_to = built.judged_to, topic = built.topic,
               moves = live.moves + 1, moved_at = now()
           FROM log_positions AS built
           WHERE live.consumer = $1 AND live.generation = $4
             AND built.consumer = $1 AND built.generation = $2 AND built.moves = $3 RETURNING 1""",
        held.consumer,
        held.generation,
        held.moves,
        LIVE,
    )
    return moved is not None and await drop(db, held.consumer, held.generation, moves=held.moves)


async def forget(db: Db, consumer: str) -> bool:
    """Forget every position of a consumer that is no more; False if there was none."""
    return str(await db.execute("DELETE FROM log_positions WHERE consumer = $1", consumer)) != "DELETE 0"
