"""Room is made ahead, once, by however many at a time, and no writer waits for it."""

import asyncio
import time
from itertools import pairwise

from casino_club.infra.db.database import Database
from casino_club.infra.log.partitions import Partition, partitions_of
from tests.builders.actions import a_log
from tests.infra.log.following import append

ROWS = 1_000


async def partitions(database: Database) -> list[Partition]:
    async with database.connection() as db:
        return await partitions_of(db)


async def test_room_begins_at_the_first_id_and_has_no_gaps(database: Database) -> None:
    made = await a_log(database, partition_rows=ROWS).make_room()

    found = await partitions(database)
    assert [each.name for each in found] == made
    assert [each[1:] for each in found] == [(n * ROWS + 1, (n + 1) * ROWS + 1) for n in range(len(found))]
    assert found[-1].end_id > 2 * ROWS


async def test_making_room_again_makes_nothing(database: Database) -> None:
    log = a_log(database, partition_rows=ROWS)
    await log.make_room()

    assert await log.make_room() == []


async def test_many_that_make_room_at_once_make_each_partition_once(database: Database) -> None:
    log = a_log(database, partition_rows=ROWS)

    made = await asyncio.gather(*(log.make_room(for_rows=5 * ROWS) for _ in range(8)))

    assert sorted(name for names in made for name in names) == sorted(each.name for each in await partitions(database))


async def test_a_new_size_of_partitions_goes_on_where_the_old_one_ended(database: Database) -> None:
    await a_log(database, partition_rows=ROWS).make_room()

    await a_log(database, partition_rows=5 * ROWS).make_room(for_rows=9 * ROWS)

    found = await partitions(database)
    assert all(one.end_id == other.first_id for one, other in pairwise(found))


async def test_a_partition_has_the_same_indexes_as_the_log(database: Database) -> None:
    await a_log(database, partition_rows=ROWS).make_room()

    async with database.connection() as db:
        counts = await db.fetch(
            """SELECT count(DISTINCT i.indexrelid), count(DISTINCT inherits.inhparent)
               FROM pg_inherits AS p JOIN pg_index AS i ON i.indrelid = p.inhrelid
               LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = i.indexrelid
               WHERE p.inhparent = 'user_actions'::regclass GROUP BY p.inhrelid"""
        )
    assert {tuple(row) for row in counts} == {(3, 3)}


async def test_a_writer_with_an_open_transaction_does_not_hold_up_room(database: Database) -> None:
    log = a_log(database, partition_rows=ROWS)
    await log.make_room()
    async with database.transaction() as writing:
        await writing.execute(
            """INSERT INTO user_actions (id, appended_at, user_id, scope, action_type, metadata, action_timestamp,
                 is_play, by_user, streak, day_plays, last_action_at)
               VALUES (nextval('action_ids'), now(), 9, 0, 'LOGIN', '{}', now(), false, true, 0, 0, now())"""
        )

        assert await asyncio.wait_for(log.make_room(for_rows=5 * ROWS), 5)


async def test_writers_are_not_locked_out_while_room_is_made(database: Database) -> None:
    log = a_log(database, partition_rows=ROWS)
    await log.make_room()
    slowest = 0.0

    async def write() -> None:
        nonlocal slowest
        for _ in range(30):
            began = time.monotonic()
            await append(database, [1])
            slowest = max(slowest, time.monotonic() - began)

    async def make() -> None:
        for turn in range(1, 6):
            await log.make_room(for_rows=turn * 3 * ROWS)

    async with database.transaction() as held:
        await held.fetchval("SELECT count(*) FROM user_actions")  # whoever wants the log for itself has to wait for us
        await asyncio.wait_for(asyncio.gather(write(), write(), make()), 20)

    assert slowest < 5
    assert len(await partitions(database)) >= 15
