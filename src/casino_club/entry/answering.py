"""Tells the answering clock, again and again, that this process answers and reaches the database."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from casino_club.features.games.store import answering
from casino_club.infra.db.database import CLIENT_FAULTS, SERVER_AWAY, Database

BEAT_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def beating(database: Database, *, every_seconds: float = BEAT_SECONDS) -> AsyncIterator[None]:
    """The clock runs within the block, as far as the database can be reached."""
    task = asyncio.create_task(_beat(database, every_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _beat(database: Database, every_seconds: float) -> None:
    is_back = True
    while True:
        try:
            async with database.connection() as db:
                await answering.beat(db, is_back=is_back)
            is_back = False
        except (*SERVER_AWAY, *CLIENT_FAULTS, asyncpg.PostgresError) as fault:
            if not is_back:
                _log.warning("duels wait for the database", extra={"reason": type(fault).__name__})
            is_back = True
        await asyncio.sleep(every_seconds)
