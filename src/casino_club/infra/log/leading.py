"""Of several processes that could follow the log for one name, one leads and the others stand by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from casino_club.infra.db.database import CLIENT_FAULTS, SERVER_AWAY, Database, Db

STANDBY_SECONDS = 1.0
LEADER_LOCK = 7_215_510


@asynccontextmanager
async def leading(database: Database, name: str) -> AsyncIterator[Db]:
    """The connection that holds the lead, once we have it. The lead ends with it, so nobody may rest on it alone."""
    async with database.connection() as connection:
        while not await _leads(connection, name):  # noqa: ASYNC110 - the leader is another process
            await asyncio.sleep(STANDBY_SECONDS)
        try:
            yield connection
        finally:
            with suppress(*SERVER_AWAY, *CLIENT_FAULTS):  # Why we end must not be hidden.
                await connection.execute("SELECT pg_advisory_unlock_all()")


async def _leads(connection: Db, name: str) -> bool:
    leads: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", LEADER_LOCK, name)
    return leads


async def nobody_leads(db: Db, name: str) -> bool:
    """Whether no process follows for this name, nor will until the caller's transaction ends."""
    is_free: bool = await db.fetchval("SELECT pg_try_advisory_xact_lock($1, hashtext($2))", LEADER_LOCK, name)
    return is_free
