"""How the warehouse stands. What does not answer is told in a sentence, never raised."""

import time
from dataclasses import dataclass

import asyncpg

from casino_club.infra import runtime
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import SERVER_AWAY, Database
from casino_club.infra.ports import Unusable, WarehouseAway
from casino_club.infra.settings import Settings
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.warehouse import PROJECTION


@dataclass(frozen=True, slots=True)
class WarehouseLook:
    """The warehouse, and which generation of its tables is read; None until a consumer has made one."""

    seconds: float
    generation: int | None


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
        return WarehouseLook(seconds, await _live_generation(settings))
    except Unusable as unusable:
        return str(unusable)
    except WarehouseAway as away:
        return warehouse_sentence(away)


async def _live_generation(settings: Settings) -> int | None:
    try:
        async with Database(runtime.database_url(settings), connections_max=1) as database, database.connection() as db:
            live = await generations.find(db, PROJECTION)
            return live.number if live else None
    except (Unusable, asyncpg.PostgresError, *SERVER_AWAY):
        return None


def described_warehouse(warehouse: WarehouseLook | str | None) -> dict[str, object] | None:
    """The look in plain words and numbers."""
    if warehouse is None:
        return None
    if isinstance(warehouse, str):
        return {"answers": False, "problem": warehouse}
    return {"answers": True, "answer_seconds": warehouse.seconds, "generation": warehouse.generation}
