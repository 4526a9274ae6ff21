"""Transactions begin and end in one place: crossed ones run again, and none comes back to the pool open."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from casino_club.infra.db.database import ATTEMPTS_MAX, Database, Db
from casino_club.kernel.errors import Unavailable
from tests.infra.waiting import until

AWAIT_POINTS_MAX = 200


@pytest.fixture
async def one(database_url: str) -> AsyncIterator[Database]:
    """A database of one connection, so that whatever it is left with shows at once."""
    async with Database(database_url, connections_max=1) as opened:
        async with opened.transaction() as db:
            await db.execute("CREATE TABLE things (n int PRIMARY KEY)")
        yield opened


async def things(database: Database) -> list[int]:
    async with database.connection() as db:
        return [row[0] for row in await db.fetch("SELECT n FROM things ORDER BY n")]


async def assert_clean(database: Database) -> None:
    """The next user of the connection finds it idle, and what it does alone is kept."""
    async with asyncio.timeout(10):
        async with database.connection() as db:
            assert not db.is_in_transaction()
            assert await db.fetchval("SELECT pg_current_xact_id_if_assigned() IS NULL") is True


async def test_a_block_that_ends_well_is_committed(one: Database) -> None:
    async with one.transaction() as db:
        await db.execute("INSERT INTO things VALUES (1)")

    assert await things(one) == [1]


async def test_a_block_that_raises_leaves_nothing_behind(one: Database) -> None:
    async def work() -> None:
        async with one.transaction() as db:
            await db.execute("INSERT INTO things VALUES (1)")
            raise LookupError

    with pytest.raises(LookupError):
        await work()

    assert await things(one) == []
    await assert_clean(one)


async def test_a_block_whose_statement_fails_leaves_nothing_behind(one: Database) -> None:
    async def work() -> None:
        async with one.transaction() as db:
            await db.execute("INSERT INTO things VALUES (1)")
            await db.execute("INSERT INTO things VALUES (1)")

    with pytest.raises(asyncpg.UniqueViolationError):
        await work()

    assert await things(one) == []
    await assert_clean(one)


async def test_a_transaction_cancelled_at_any_point_never_comes_back_open(one: Database) -> None:
    async def work() -> None:
        async with one.transaction("SET LOCAL synchronous_commit = off") as db:
            await db.execute("INSERT INTO things VALUES (1)")
            await db.execute("DELETE FROM things")

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    points = 0
    try:
        for turns in range(AWAIT_POINTS_MAX):
            working = asyncio.create_task(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            if working.done():
                break
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            await assert_clean(one)
            points += 1
    finally:
        asyncio.get_running_loop().set_exception_handler(None)

    assert points >= 5
    assert complaints == []
    assert await things(one) == []


async def test_a_transaction_cancelled_while_it_waits_for_the_server_rolls_back(
    one: Database, database_url: str
) -> None:
    other = await asyncpg.connect(database_url)
    await other.execute("BEGIN; LOCK TABLE things")

    async def work() -> None:
        async with one.transaction() as db:
            await db.execute("INSERT INTO things VALUES (1)")

    working = asyncio.create_task(work())
    await _waits_for_a_lock(other)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await other.execute("ROLLBACK")
    await other.close()

    assert await things(one) == []
    await assert_clean(one)


async def test_a_commit_that_is_called_off_is_no_commit_half_done(one: Database, database_url: str) -> None:
    """A deferred constraint holds the COMMIT itself at the server, until it is called off there."""
    other = await asyncpg.connect(database_url)
    await other.execute("ALTER TABLE things ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
    await other.execute("ALTER TABLE things DROP CONSTRAINT things_pkey")
    await other.execute("INSERT INTO things VALUES (1)")
    await other.execute("BEGIN; DELETE FROM things")

    async def work() -> None:
        async with one.transaction() as db:
            await db.execute("INSERT INTO things VALUES (1)")

    working = asyncio.create_task(work())
    await _waits_for_a_lock(other)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await assert_clean(one)
    await other.execute("ROLLBACK")
    await other.close()

    assert await things(one) == [1]


async def _waits_for_a_lock(db: Db) -> None:
    async with asyncio.timeout(10):
        while not await db.fetchval(  # noqa: ASYNC110 - another connection does it
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0.005)


async def test_run_tries_again_after_a_deadlock(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute("CREATE TABLE pair (n int PRIMARY KEY, hits int); INSERT INTO pair VALUES (1, 0), (2, 0)")
    met = asyncio.Barrier(2)
    attempts = 0

    async def cross(first: int, second: int) -> None:
        async def work(db: Db) -> None:
            nonlocal attempts
            attempts += 1
            await db.execute("UPDATE pair SET hits = hits + 1 WHERE n = $1", first)
            if attempts <= 2:
                await met.wait()
            await db.execute("UPDATE pair SET hits = hits + 1 WHERE n = $1", second)

        await database.run(work)

    await asyncio.gather(cross(1, 2), cross(2, 1))

    assert attempts >= 3  # Whoever yielded may be back before the other was woken, and cross it once more.
    async with database.connection() as db:
        assert [row[0] for row in await db.fetch("SELECT hits FROM pair ORDER BY n")] == [2, 2]


@pytest.mark.parametrize("crossed", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError])
async def test_run_gives_up_after_a_bounded_number_of_crossings(database: Database, crossed: type[Exception]) -> None:
    attempts = 0

    async def work(db: Db) -> None:
        nonlocal attempts
        attempts += 1
        raise crossed("again")

    with pytest.raises(Unavailable):
        await database.run(work)

    assert attempts == ATTEMPTS_MAX


async def test_run_turns_a_connection_that_dies_into_unavailable(one: Database, database_url: str) -> None:
    async def work(db: Db) -> None:
        await db.execute("INSERT INTO things VALUES (1)")
        pid = await db.fetchval("SELECT pg_backend_pid()")
        other = await asyncpg.connect(database_url)
        await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await other.close()
        await db.execute("INSERT INTO things VALUES (2)")

    with pytest.raises(Unavailable):
        await one.run(work)

    assert await things(one) == []


async def test_run_turns_a_server_that_is_not_there_into_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")

    async with Database(f"postgresql://nobody@/nothing?host={nowhere}", connections_max=1) as away:
        with pytest.raises(Unavailable):
            await away.run(lambda db: db.execute("SELECT 1"))


async def test_a_bug_in_the_work_is_neither_tried_again_nor_called_an_outage(database: Database) -> None:
    attempts = 0

    async def work(db: Db) -> None:
        nonlocal attempts
        attempts += 1
        await db.execute("SELECT $1::bigint", 2**70)

    with pytest.raises(asyncpg.DataError):
        await database.run(work)

    assert attempts == 1


async def test_what_is_committed_is_told_once_and_what_is_rolled_back_is_not(database_url: str) -> None:
    told: list[bool] = []

    async with Database(database_url, connections_max=1, committed=lambda: told.append(True)) as database:
        with pytest.raises(LookupError):
            async with database.transaction():
                raise LookupError
        assert told == []
        async with database.transaction():
            assert told == []

    await until(lambda: told == [True], seconds_max=1)
