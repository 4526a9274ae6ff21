"""What a database says of itself, for whoever wants to know whether the log is safe with it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from casino_club.infra.db.database import Db

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """`settings` are as the server counts them: times in milliseconds, 0 for none."""

    version: str
    version_number: int
    settings: Mapping[str, str]
    clock_ahead_seconds: float


async def database_facts(db: Db) -> DatabaseFacts:
    """Version, settings, and how far the server's clock is ahead of this machine's."""
    rows = await db.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", SETTINGS)
    version, number = await _version(db)
    before = datetime.now(UTC)
    there: datetime = await db.fetchval("SELECT clock_timestamp()")
    halfway = before + (datetime.now(UTC) - before) / 2
    return DatabaseFacts(version, number, {row[0]: row[1] for row in rows}, (there - halfway).total_seconds())


async def answer_seconds(db: Db) -> float:
    """How long the server takes to answer on an open connection."""
    began = time.perf_counter()
    await db.execute("SELECT")
    return time.perf_counter() - began


async def _version(db: Db) -> tuple[str, int]:
    row = await db.fetchrow("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
    assert row is not None
    return row[0], row[1]
