"""Wake-ups are hints: many rings are one notification, and a lost connection costs no more than a poll."""

import asyncio

import asyncpg

from casino_club.infra.db.database import Database
from casino_club.infra.log.wake import CHANNEL, Bell, Ear
from tests.builders.logs import with_rows
from tests.infra.log.following import eventually
from tests.infra.waiting import until


async def is_listening(database: Database) -> bool:
    async with database.connection() as db:
        return bool(
            await db.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )


async def test_a_commit_wakes_everybody_who_listens(database: Database, database_url: str) -> None:
    async with (
        Ear(database_url) as ear,
        Bell(database_url) as bell,
        Database(database_url, connections_max=2, committed=bell.ring) as writing,
    ):
        heard = [ear.event(), ear.event()]
        await eventually(lambda: is_listening(database))

        await with_rows(writing, [1])

        await until(lambda: all(event.is_set() for event in heard), seconds_max=5)


async def test_rings_of_a_moment_are_few_notifications(database: Database, database_url: str) -> None:
    notified: list[object] = []
    listening = await asyncpg.connect(database_url)
    await listening.add_listener(CHANNEL, lambda *_: notified.append(1))
    async with Bell(database_url) as bell:
        bell.ring()
        await until(lambda: notified, seconds_max=5)
        notified.clear()

        for _ in range(1_000):
            bell.ring()
        await until(lambda: notified, seconds_max=5)

    await listening.fetchval("SELECT 1")
    await listening.close()
    assert 1 <= len(notified) <= 3


async def test_bell_and_ear_find_their_way_back_after_their_connections_die(
    database: Database, database_url: str
) -> None:
    async with Ear(database_url) as ear, Bell(database_url) as bell:
        heard = ear.event()
        await eventually(lambda: is_listening(database))
        bell.ring()
        await until(heard.is_set, seconds_max=5)

        async with database.connection() as db:
            await db.fetch(
                """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query LIKE 'NOTIFY%')"""
            )
        heard.clear()

        def rung_and_heard() -> bool:
            bell.ring()
            return heard.is_set()

        await until(rung_and_heard, seconds_max=10)


async def test_a_server_that_is_not_there_hinders_nobody() -> None:
    async with Ear("postgresql://nobody@/x?host=/nowhere") as ear, Bell("postgresql://nobody@/x?host=/nowhere") as bell:
        event = ear.event()
        bell.ring()
        await asyncio.sleep(0)

    assert not event.is_set()
