"""One of many: whoever holds the lock leads, until its session ends. The next one takes over within a second or two."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from casino_club.infra.db.database import SERVER_AWAY, Database, Db, is_lost

logger = logging.getLogger(__name__)

LEADER_LOCK = 7_215_520
TRY_SECONDS = 1.0
PROBE_SECONDS = 2.0


async def lead(database: Database, act: Callable[[], Awaitable[None]], *, try_seconds: float = TRY_SECONDS) -> None:
    """Act whenever it is our turn, until cancelled. `act` is cancelled when the lead is lost."""
    while True:
        try:
            async with database.connection() as session:
                await _lead_if_free(session, act)
        except SERVER_AWAY as away:
            logger.warning("no lead without the database", extra={"reason": repr(away)})
        except asyncpg.InterfaceError as lost:
            logger.warning("lead lost", extra={"reason": repr(lost)})
        await asyncio.sleep(try_seconds)


def _end_if_cancelled() -> None:
    """Before Python 3.12 a wait with a time limit forgets a cancellation that comes just when it ends."""
    task = asyncio.current_task()
    assert task is not None
    if task.cancelling():
        raise asyncio.CancelledError


async def has_leader(db: Db) -> bool:
    """Whether anybody leads now."""
    held: bool = await db.fetchval(
        """SELECT EXISTS (SELECT FROM pg_locks
                          WHERE locktype = 'advisory' AND classid = 0 AND objid = $1::bigint::oid AND objsubid = 1
                            AND granted AND database = (SELECT oid FROM pg_database
                                                        WHERE datname = current_database()))""",
        LEADER_LOCK,
    )
    return held


async def _lead_if_free(session: Db, act: Callable[[], Awaitable[None]]) -> None:
    try:
        if await session.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            _end_if_cancelled()
            await _lead(session, act)
    finally:
        # Also when we were cancelled while we asked: the pool would keep the session, and with it the lock.
        if not is_lost(session):
            await session.execute("SELECT pg_advisory_unlock_all()")


async def _lead(session: Db, act: Callable[[], Awaitable[None]]) -> None:
    logger.info("leads the timetable")
    acting = asyncio.ensure_future(act())
    try:
        while not acting.done():
            await asyncio.wait((acting,), timeout=PROBE_SECONDS)
            await session.execute("SELECT", timeout=PROBE_SECONDS)
        acting.result()
    finally:
        acting.cancel()
        await asyncio.wait((acting,))
