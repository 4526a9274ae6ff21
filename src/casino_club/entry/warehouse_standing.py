"""How the warehouse stands. What does not answer is told in a sentence, never raised."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from casino_club.entry import warehouse_tables
from casino_club.infra import runtime
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import SERVER_AWAY, Database
from casino_club.infra.ports import Unusable, WarehouseAway
from casino_club.infra.settings import Settings
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.warehouse import PROJECTION


@dataclass(frozen=True, slots=True)
class WarehouseLook:
    """The warehouse, and which generation of its tables is read; None until one is made.

    `lacking` are the files of this version that those tables have not had.
    """

    seconds: float
    generation: int | None
    lacking: Sequence[str] = ()


def warehouse_sentence(away: WarehouseAway) -> str:
    """What went wrong and what to do about it."""
    return f"{away}; run `casino-club up`, or check CASINO_CLUB_WAREHOUSE_URL."


async def look_at_warehouse(settings: Settings) -> WarehouseLook | str | None:
    """On a connection of its own: whether it can be reached at all is part of the answer."""
    try:
        url = runtime.warehouse_url(settings)
        if url is None:
            return None
        async with ClickHouseWarehouse(url) as store:
            await store.ping()
            began = time.perf_counter()
            await store.ping()
            seconds = time.perf_counter() - began
            generation, lacking = await _tables(settings, store)
        return WarehouseLook(seconds, generation, lacking)
    except Unusable as unusable:
        return str(unusable)
    except WarehouseAway as away:
        return warehouse_sentence(away)


async def _tables(settings: Settings, store: ClickHouseWarehouse) -> tuple[int | None, Sequence[str]]:
    try:
        async with Database(runtime.database_url(settings), connections_max=1) as database:
            async with database.connection() as db:
                live = await generations.find(db, PROJECTION)
            return live.number if live else None, await warehouse_tables.lacking(settings, database, store)
    except (Unusable, asyncpg.PostgresError, *SERVER_AWAY):
        return None, ()


def warehouse_problems(warehouse: WarehouseLook | str | None) -> list[str]:
    """What is wrong, a sentence each."""
    if isinstance(warehouse, WarehouseLook) and warehouse.lacking:
        return [f"The warehouse's tables lack {', '.join(warehouse.lacking)}; run `casino-club migrate`."]
    return [warehouse] if isinstance(warehouse, str) else []


def described_warehouse(warehouse: WarehouseLook | str | None) -> dict[str, object] | None:
    """The look in plain words and numbers."""
    if warehouse is None:
        return None
    if isinstance(warehouse, str):
        return {"answers": False, "problem": warehouse}
    return {
        "answers": True,
        "answer_seconds": warehouse.seconds,
        "generation": warehouse.generation,
        "lacking": list(warehouse.lacking),
    }
