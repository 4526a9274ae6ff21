"""Rebuilding a projection: the whole log is read into a new generation beside the live one, which then takes its place.

A rebuild is a row of `log_positions`, so it survives whoever runs it: the next process goes on where it stopped.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions

GENERATION = 1
"""The generation being rebuilt. One at a time per projection; a second request joins the first."""


class Progress(NamedTuple):
    """How far a rebuild has come: ids read, of those that the log had when asked."""

    at_id: int
    last_id: int


async def ask(db: Db, consumer: str, *, from_id: int = 1) -> None:
    """Have the projection rebuilt from the log's beginning, or from an id on if files of what is before it are lost."""
    await positions.take(db, consumer, GENERATION)
    if from_id > 1:
        await positions.begin_after(db, consumer, GENERATION, from_id - 1)


async def ask_again(db: Db, consumer: str) -> None:
    """Have it rebuilt from the beginning even if it is being rebuilt: what that has written may be lost as well."""
    await positions.begin_again(db, consumer, GENERATION)


async def give_up(db: Db, consumer: str) -> None:
    """Forget that it was asked for: it can't be had in this way, now or later."""
    await positions.drop(db, consumer, GENERATION)


async def asked_for(db: Db) -> list[str]:
    """Projections that wait to be rebuilt, or are being rebuilt."""
    rows = await db.fetch("SELECT consumer FROM log_positions WHERE generation = $1 ORDER BY consumer", GENERATION)
    return [row[0] for row in rows]


async def progress(db: Db, consumer: str) -> Progress | None:
    """How far the rebuild is; None once it is done."""
    row = await db.fetchrow(
        """SELECT last_id, (SELECT last_value FROM action_ids) FROM log_positions
           WHERE consumer = $1 AND generation = $2""",
        consumer,
        GENERATION,
    )
    return None if row is None else Progress(*row)


async def rows_to_read(db: Db, *, from_id: int = 1) -> int:
    """How many rows a rebuild that begins now has before it. Counting them takes far less than reading them."""
    rows: int = await db.fetchval(
        """SELECT (SELECT count(*) FROM user_actions
                   WHERE id >= $1 AND id > (SELECT coalesce(max(last_id), 0) FROM detached_partitions))
                + (SELECT coalesce(sum(row_count), 0)::bigint FROM detached_partitions WHERE last_id >= $1)""",
        from_id,
    )
    return rows


async def watch(database: Database, consumer: str, *, every_seconds: float = 0.2) -> AsyncIterator[Progress]:
    """The progress of a rebuild, whoever runs it, until it is done."""
    while True:
        async with database.connection() as db:
            now = await progress(db, consumer)
        if now is None:
            return
        yield now
        await asyncio.sleep(every_seconds)
