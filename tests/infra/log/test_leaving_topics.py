"""Who follows a topic and goes back to the table gets what it had not had, once, however far each partition was."""

from dataclasses import replace

import pytest

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.lag import lags
from casino_club.infra.log.reader import Position, next_page
from casino_club.infra.log.snapshots import Step, joined
from casino_club.infra.log.topics import Part, TopicPosition
from tests.infra.log.following import append

USERS = [1, 2, 3, 4, 5, 6] * 4


async def snapshot(db: Db) -> str:
    text: str = await db.fetchval("SELECT pg_current_snapshot()::text")
    return text


@pytest.mark.parametrize("page_rows", [3, 100])
async def test_what_a_topic_brought_is_left_out_and_the_rest_comes_once(database: Database, page_rows: int) -> None:
    async with database.connection() as db:
        await append(database, USERS)
        first = await snapshot(db)
        second_ids = await append(database, USERS)
        second = await snapshot(db)
        third_ids = await append(database, USERS)
        even = Part(0, joined((Step(first),), [Step(second, second_ids[9])]))
        odd = Part(0, (Step(second),))
        position = Position(first, topic=TopicPosition("t", "id", "life", (even, odd)))
        missing = [id_ for id_, user in zip(second_ids, USERS, strict=True) if user % 2 == 0 and id_ > second_ids[9]]
        await positions.move(db, await positions.take(db, "reader"), position)
        [lag] = await lags(db)

        delivered: list[int] = []
        while (page := await next_page(db, position, rows_max=page_rows)).rows or page.after.topic is not None:
            delivered += [row.id for row in page.rows]
            position = page.after

    assert delivered == missing + third_ids
    assert lag.rows == len(missing + third_ids)
    assert position.topic is None


async def test_a_pass_that_leaves_a_topic_may_be_cut_anywhere(database: Database) -> None:
    async with database.connection() as db:
        first = await snapshot(db)
        ids = await append(database, USERS)
        second = await snapshot(db)
        parts = (Part(0, joined((Step(first),), [Step(second, ids[5])])), Part(0, (Step(first),)))
        begin = Position(first, topic=TopicPosition("t", "id", "life", parts))
        had = {id_ for id_, user in zip(ids[:6], USERS, strict=False) if user % 2 == 0}

        page = await next_page(db, begin, rows_max=100)
        for row in page.rows:
            rest = await next_page(db, page.until(row, begin), rows_max=100)
            assert [each.id for each in rest.rows] == [id_ for id_ in ids if id_ > row.id and id_ not in had]

        assert [row.id for row in page.rows] == [id_ for id_ in ids if id_ not in had]
        assert page.after == replace(begin, delivered=page.after.delivered, topic=None)
