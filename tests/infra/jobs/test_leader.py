"""One leads, and when its session ends it stops before another has gone far."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from casino_club.infra.db.database import Database, Db
from casino_club.infra.jobs.leader import LEADER_LOCK, has_leader, lead
from tests.infra.log.following import eventually, following
from tests.infra.waiting import until

pytestmark = pytest.mark.timeout(30)


class Acting:
    """Counts who acts."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.most = self.times = 0

    async def act(self, name: str) -> None:
        self.now.add(name)
        self.times += 1
        self.most = max(self.most, len(self.now))
        try:
            await asyncio.Event().wait()
        finally:
            self.now.discard(name)


async def leads(database: Database) -> bool:
    async with database.connection() as db:
        return await has_leader(db)


async def test_one_of_three_leads_and_another_takes_over(database: Database) -> None:
    acting = Acting()
    names = ("first", "second", "third")
    assert not await leads(database)
    everybody = [lead(database, lambda name=name: acting.act(name), try_seconds=0.02) for name in names]  # type: ignore[misc]  # a bound name
    async with following(*everybody):
        await until(lambda: acting.now)
        (before,) = acting.now
        assert await leads(database)
        async with database.connection() as db:
            await db.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_locks
                   WHERE locktype = 'advisory' AND objid = $1::bigint::oid
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
                LEADER_LOCK,
            )
        await until(lambda: acting.times > 1 and acting.now)

    assert acting.times >= 2
    assert before in names
    await eventually(lambda: _nobody(database))


async def test_what_ends_the_acting_frees_the_lead(database: Database) -> None:
    acting = Acting()
    leading = asyncio.create_task(lead(database, lambda: acting.act("only"), try_seconds=0.02))
    await until(lambda: acting.now)

    leading.cancel()
    await asyncio.wait([leading])

    assert acting.now == set()
    assert not await leads(database)


async def test_whoever_is_cancelled_ends_however_far_it_has_come(database: Database) -> None:
    acting = Acting()
    for steps in range(80):
        leading = asyncio.create_task(lead(database, lambda: acting.act("only"), try_seconds=0.02))
        for _ in range(steps):
            await asyncio.sleep(0)
        leading.cancel()
        await asyncio.wait([leading], timeout=5)

        assert leading.done(), f"cancelled after {steps} steps"
        assert not await leads(database)


class Forgetful(Database):
    """Cancelled while it hands out a connection, and hands it out all the same."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        task = asyncio.current_task()
        assert task is not None
        async with super().connection() as connection:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            yield connection


async def test_a_cancellation_that_a_wait_forgot_still_ends_the_lead(database: Database, database_url: str) -> None:
    acting = Acting()
    async with Forgetful(database_url, connections_max=1) as forgetful:
        leading = asyncio.create_task(lead(forgetful, lambda: acting.act("only"), try_seconds=0.02))
        await asyncio.wait([leading], timeout=5)
        ended = leading.done()
        leading.cancel()
        await asyncio.wait([leading])

    assert ended
    assert acting.times == 0
    assert not await leads(database)


async def _nobody(database: Database) -> bool:
    return not await leads(database)
