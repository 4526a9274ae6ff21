"""Which generation of tables readers see, which one is being built beside it, and in whose days each counts.

A generation is a database of its own. Which one is live is a row in PostgreSQL, beside the position that it has read
to, so that both change in one transaction.
"""

from datetime import datetime
from typing import NamedTuple

from casino_club.infra.db.database import Db

LIVE = 0


class Generation(NamedTuple):
    """The generation that stands for a projection's live or rebuilt values."""

    number: int
    zone: str

    def database(self, prefix: str) -> str:
        return f"{prefix}_{self.number}"


async def find(db: Db, projection: str, generation: int = LIVE) -> Generation | None:
    """The generation, if it was begun."""
    row = await db.fetchrow(
        "SELECT number, zone FROM warehouse_generations WHERE projection = $1 AND generation = $2",
        projection,
        generation,
    )
    return None if row is None else Generation(*row)


async def next_number(db: Db) -> int:
    """A number that no generation has had."""
    number: int = await db.fetchval("SELECT nextval('warehouse_numbers')")
    return number


async def begin(db: Db, projection: str, generation: int, made: Generation) -> Generation:
    """Note a generation whose tables are made. If another was noted meanwhile, that one counts."""
    await db.execute(
        """INSERT INTO warehouse_generations (projection, generation, number, zone, begun_at)
           VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING""",
        projection,
        generation,
        made.number,
        made.zone,
    )
    found = await find(db, projection, generation)
    assert found is not None
    return found


async def retire(db: Db, projection: str, generation: int) -> None:
    """Nobody reads or fills this generation any more; its tables may go."""
    await db.execute(
        "UPDATE warehouse_generations SET generation = -number WHERE projection = $1 AND generation = $2",
        projection,
        generation,
    )


async def show(db: Db, projection: str, generation: int) -> datetime:
    """Let this generation be the live one, and the one that was retire; when it was begun."""
    await retire(db, projection, LIVE)
    begun_at: datetime = await db.fetchval(
        """UPDATE warehouse_generations SET generation = $3 WHERE projection = $1 AND generation = $2
           RETURNING begun_at""",
        projection,
        generation,
        LIVE,
    )
    return begun_at


async def retired(db: Db, projection: str) -> list[Generation]:
    """Generations whose tables are still to be dropped."""
    rows = await db.fetch(
        "SELECT number, zone FROM warehouse_generations WHERE projection = $1 AND generation < 0", projection
    )
    return [Generation(*row) for row in rows]


async def forget(db: Db, projection: str, number: int) -> None:
    """The tables of a retired generation are gone."""
    await db.execute(
        "DELETE FROM warehouse_generations WHERE projection = $1 AND generation = -$2::bigint", projection, number
    )
