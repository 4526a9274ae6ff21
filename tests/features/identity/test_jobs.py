"""What is over is forgotten in time, however much it is, and nothing before its time."""

from datetime import timedelta

from casino_club.features.identity.jobs import FORGOTTEN_AT_ONCE, forget_attempts, forget_bars, forget_sessions
from casino_club.features.identity.rules.limits import WINDOW_MAX
from casino_club.features.identity.rules.sessions import KEPT_AFTER_END
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON
from tests.builders.jobs import a_work

SECOND = timedelta(seconds=1)


async def test_sessions_are_forgotten_long_after_their_end_with_their_tokens(database: Database) -> None:
    many = FORGOTTEN_AT_ONCE + 1
    async with database.transaction() as db:
        user_id = await db.fetchval("INSERT INTO users (created_at) VALUES ($1) RETURNING id", NOON)
        await db.execute(
            "INSERT INTO sessions (user_id, began_at, last_used_at, ends_at, device)"
            " SELECT $1, $2, $2, $3, '' FROM generate_series(1, $4)",
            *(user_id, NOON, NOON - KEPT_AFTER_END - SECOND, many),
        )
        await db.execute("INSERT INTO refresh_tokens SELECT sha256(id::text::bytea), id, $1 FROM sessions", NOON)
        kept = await db.fetchval(
            "INSERT INTO sessions (user_id, began_at, last_used_at, ends_at, device)"
            " VALUES ($1, $2, $2, $3, '') RETURNING id",
            *(user_id, NOON, NOON - KEPT_AFTER_END),
        )

    await forget_sessions.run(a_work(database))

    async with database.connection() as db:
        assert await db.fetchval("SELECT array_agg(id) FROM sessions") == [kept]
        assert await db.fetchval("SELECT count(*) FROM refresh_tokens") == 0


async def test_attempts_are_forgotten_once_their_window_is_over(database: Database) -> None:
    async with database.transaction() as db:
        for key, began_at in ((b"over", NOON - WINDOW_MAX - SECOND), (b"counts", NOON - WINDOW_MAX)):
            await db.execute("INSERT INTO attempts VALUES ($1, $2, 3)", key, began_at)

    await forget_attempts.run(a_work(database))

    async with database.connection() as db:
        assert await db.fetchval("SELECT array_agg(key) FROM attempts") == [b"counts"]


async def test_bars_are_forgotten_once_they_are_over(database: Database) -> None:
    async with database.transaction() as db:
        for digest, until in ((b"over", NOON), (b"holds", NOON + SECOND)):
            await db.execute("INSERT INTO barred_identities VALUES ($1, $2)", digest, until)

    await forget_bars.run(a_work(database))

    async with database.connection() as db:
        assert await db.fetchval("SELECT array_agg(digest) FROM barred_identities") == [b"holds"]
