"""Whether every minute's actions are accounted for, once nothing moves any more."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from casino_club.features.operations import rules, store
from casino_club.features.operations.commands.conservation import take_stock
from casino_club.features.operations.commands.places import places_of
from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.db.database import Database
from casino_club.infra.warehouse.warehouse import Warehouse

SECONDS_MAX = 20.0
LOOK_SECONDS = 0.1
MINUTES_MAX = 1_000
AHEAD = timedelta(seconds=61)


async def look(database: Database, warehouse: Warehouse) -> Sequence[Minute]:
    """Take stock, as the consumer does every few seconds; all minutes. The one that runs is judged as if over."""
    await take_stock(database, places_of(warehouse), now=lambda: datetime.now(UTC) + AHEAD)
    async with database.connection() as db:
        return await store.newest_minutes(db, before=None, is_open=None, limit=MINUTES_MAX)


async def unaccounted(database: Database, warehouse: Warehouse, *, rows: int, parked: int) -> list[str]:
    """What keeps the accounts open. The warehouse lacks, rightly, as many rows as are parked."""
    deadline = time.monotonic() + SECONDS_MAX
    while found := _open(await look(database, warehouse), rows=rows, parked=parked):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_SECONDS)
    return found


def _open(minutes: Sequence[Minute], *, rows: int, parked: int) -> list[str]:
    stored, waiting = sum(each.stored for each in minutes), [each for each in minutes if each.closed_at is None]
    gaps = Counter[Side]()
    for each in waiting:
        gaps.update(rules.gaps(each))
    is_explained = dict(gaps) == ({Side.WAREHOUSE: -parked} if parked else {}) and len(waiting) <= parked
    return [
        *([f"accounts hold {stored} rows, the log {rows}"] if stored != rows else []),
        *([] if is_explained else [f"{len(waiting)} minutes are open, with {dict(gaps)}"]),
    ]
