"""Positions move by compare-and-set, are made once, and come back as they were stored."""

import asyncio

import pytest

from casino_club.infra.db.database import Database
from casino_club.infra.log import positions
from casino_club.infra.log.positions import TakenOver
from casino_club.infra.log.reader import Position
from casino_club.infra.log.snapshots import Step
from casino_club.infra.log.topics import Part, TopicPosition

TOPIC = TopicPosition(
    "user_actions",
    "id",
    "life",
    (Part(7, (Step("10:20:"), Step("12:30:13", 77))), Part(0, (Step("12:30:13"),))),
)
POSITIONS = [
    Position(),
    Position("10:20:11,15"),
    Position("10:20:", "12:30:13", 77),
    Position("10:20:", "12:30:13", 5, 99, judged_id=77, judged_to=80),
    Position("10:20:", topic=TOPIC),
]


@pytest.mark.parametrize("position", POSITIONS)
async def test_a_position_comes_back_as_it_was_stored(database: Database, position: Position) -> None:
    async with database.connection() as db:
        held = await positions.move(db, await positions.take(db, "a"), position)

        assert await positions.take(db, "a") == held
        assert (held.moves, held.position) == (1, position)


async def test_a_new_consumer_begins_at_the_logs_beginning(database: Database) -> None:
    async with database.connection() as db:
        held = await positions.take(db, "a")

    assert (held.moves, held.position) == (0, Position())


async def test_of_two_that_move_a_position_one_is_told_that_it_was_taken_over(database: Database) -> None:
    async with database.connection() as db:
        held = await positions.take(db, "a")

    async def move() -> int:
        async with database.transaction() as db:
            return (await positions.move(db, held, Position("10:20:"))).moves

    moved = await asyncio.gather(*(move() for _ in range(5)), return_exceptions=True)

    assert sorted(map(str, map(type, moved))) == sorted([str(int), *[str(TakenOver)] * 4])


async def test_consumers_and_generations_are_apart(database: Database) -> None:
    async with database.connection() as db:
        await positions.move(db, await positions.take(db, "a"), Position("10:20:"))

        assert (await positions.take(db, "a", 1)).position == Position()
        assert (await positions.take(db, "b")).position == Position()
        assert await positions.live_moves(db) == {"a": 1, "b": 0}


async def test_many_that_take_a_new_position_at_once_get_the_same(database: Database) -> None:
    async def take() -> positions.Held:
        async with database.connection() as db:
            return await positions.take(db, "a")

    taken = await asyncio.gather(*(take() for _ in range(8)))

    assert len(set(taken)) == 1


async def test_a_position_that_has_moved_on_is_not_dropped(database: Database) -> None:
    async with database.connection() as db:
        held = await positions.take(db, "a", 1)
        await positions.begin_again(db, "a", 1)

        assert not await positions.drop(db, "a", 1, moves=held.moves)
        assert await positions.drop(db, "a", 1, moves=held.moves + 1)
        assert not await positions.drop(db, "a", 1, moves=held.moves + 1)


async def test_who_begins_again_takes_the_position_over(database: Database) -> None:
    async with database.connection() as db:
        held = await positions.move(db, await positions.take(db, "a", 1), Position("10:20:", "12:30:", 5))
        await positions.begin_again(db, "a", 1)

        assert (await positions.take(db, "a", 1)).position == Position()
        with pytest.raises(TakenOver):
            await positions.move(db, held, Position("40:50:"))
