"""Pages on their way into the warehouse: written down before they are sent, so that they can be sent again unchanged.

Written down are the ids, as runs without a gap, wherever the rows came from; rows never change.
"""

from collections.abc import Sequence
from contextlib import aclosing
from typing import NamedTuple

import asyncpg
import msgspec

from casino_club.infra.db.database import Db
from casino_club.infra.log.detached import DetachedFiles, FilesUnreadable, detached_after
from casino_club.infra.log.positions import Held, TakenOver
from casino_club.infra.log.reader import PAGE_ROWS, Position, rows_of_runs
from casino_club.infra.log.rows import LogRow

Runs = Sequence[tuple[int, int]]
"""First and last id of each."""


class Pending(NamedTuple):
    """Rows that were sent, or were about to be, under a token; and the position behind them."""

    token: str
    runs: Runs
    after: Position


def runs_of(rows: Sequence[LogRow]) -> Runs:
    """The ids of these rows."""
    ids = sorted([row.id for row in rows])
    if ids and ids[-1] - ids[0] < len(ids):
        return [(ids[0], ids[-1])]
    runs: list[tuple[int, int]] = []
    for row_id in ids:
        if runs and row_id == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row_id)
        else:
            runs.append((row_id, row_id))
    return runs


async def note(db: Db, held: Held, pending: Pending) -> None:
    """Write a page down. Raises TakenOver if the position was moved, or if another page is on its way.

    The position is locked: whoever is just moving it forgets pages in the same transaction, and would miss this one.
    """
    try:
        noted = await db.fetchval(
            """INSERT INTO warehouse_pending (consumer, generation, token, first_ids, last_ids, after)
               SELECT $1, $2, $4, $5, $6, $7::text::jsonb FROM log_positions
               WHERE consumer = $1 AND generation = $2 AND moves = $3 FOR NO KEY UPDATE RETURNING 1""",
            held.consumer,
            held.generation,
            held.moves,
            pending.token,
            [first for first, _ in pending.runs],
            [last for _, last in pending.runs],
            msgspec.json.encode(pending.after).decode(),
        )
    except asyncpg.UniqueViolationError:
        noted = None
    if noted is None:
        raise TakenOver(f"{held.consumer}: another process delivers from here")


async def find(db: Db, held: Held) -> Pending | None:
    """The page that is on its way, if one is."""
    row = await db.fetchrow(
        """SELECT token, first_ids, last_ids, after::text FROM warehouse_pending
           WHERE consumer = $1 AND generation = $2""",
        held.consumer,
        held.generation,
    )
    if row is None:
        return None
    token, first_ids, last_ids, after = row
    return Pending(token, list(zip(first_ids, last_ids, strict=True)), msgspec.json.decode(after, type=Position))


async def forget(db: Db, consumer: str, generation: int) -> None:
    """The page has arrived, or its generation is gone."""
    await db.execute("DELETE FROM warehouse_pending WHERE consumer = $1 AND generation = $2", consumer, generation)


async def rows_of(db: Db, files: DetachedFiles, pending: Pending) -> list[LogRow]:
    """The page's rows once more, just those. Raises FilesUnreadable if some are nowhere."""
    rows = await rows_of_runs(db, pending.runs)
    missing = sum(last - first + 1 for first, last in pending.runs) - len(rows)
    if missing:
        rows = await _rows_in_files(db, files, pending.runs) + rows
    if runs_of(rows) != pending.runs:
        raise FilesUnreadable(f"rows of the page {pending.token} are neither in the table nor in its files")
    return rows


async def _rows_in_files(db: Db, files: DetachedFiles, runs: Runs) -> list[LogRow]:
    found: list[LogRow] = []
    first_id, last_id = runs[0][0], runs[-1][1]
    for each in await detached_after(db, first_id - 1):
        if each.first_id > last_id:
            break
        async with aclosing(files.pages(each.file, after_id=first_id - 1, rows_max=PAGE_ROWS)) as pages:
            async for page in pages:
                found += [row for row in page if any(first <= row.id <= last for first, last in runs)]
                if page[-1].id >= last_id:
                    break
    return found
