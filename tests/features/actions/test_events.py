"""Appending in the transaction of an effect."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest

from casino_club.features.actions.public import UserGone, append, append_all, lock_users
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.ids import derived_uuid
from tests.builders.actions import NOON, a_log, a_policy


@dataclass(frozen=True)
class LevelReached:
    action_type: ClassVar[str] = "LEVEL_UP"
    user_id: int
    level: int
    value: int | None = None


@dataclass(frozen=True)
class Played:
    action_type: ClassVar[str] = "SLOT_SPIN"
    user_id: int
    result: str = "lose"
    currency: str = "COIN"
    staked: int = 100
    won: int = 0
    round_id: str = "018f0000-0000-7000-8000-000000000001"


@pytest.fixture
async def roomy(database: Database) -> Database:
    await a_log(database).make_room()
    return database


async def appended(database: Database, event: LevelReached, *, cause: str | None = None) -> int:
    key = None if cause is None else derived_uuid(cause)
    return await database.run(lambda db: append(db, event, at=NOON, policy=a_policy(), cause=key))


async def logged(database: Database) -> list[tuple[object, ...]]:
    async with database.connection() as db:
        rows = await db.fetch("SELECT id, user_id, action_type, value, metadata, by_user FROM user_actions ORDER BY id")
    return [tuple(row) for row in rows]


async def test_an_event_becomes_an_action_of_its_user(roomy: Database) -> None:
    first = await appended(roomy, LevelReached(7, 3, value=30))

    assert await logged(roomy) == [(first, 7, "LEVEL_UP", 30, '{"level": 3}', False)]


async def test_an_effect_that_fails_leaves_no_action(roomy: Database) -> None:
    async def fails(db: object) -> None:
        await append(db, LevelReached(7, 3), at=NOON, policy=a_policy())  # type: ignore[arg-type]  # any connection
        raise LookupError

    with pytest.raises(LookupError):
        await roomy.run(fails)

    assert await logged(roomy) == []


async def test_one_cause_has_one_action_however_often_and_at_once(roomy: Database) -> None:
    ids = await asyncio.gather(*(appended(roomy, LevelReached(7, 3), cause="round 5") for _ in range(20)))

    assert len(set(ids)) == 1
    assert len(await logged(roomy)) == 1


async def test_what_was_known_of_a_user_is_looked_up_again_once_it_is_outdated(roomy: Database) -> None:
    async def twice(db: Db) -> list[int]:
        known = (await lock_users(db, [7]))[7]
        return [await append(db, Played(7), at=NOON, policy=a_policy(), known=known) for _ in range(2)]

    first, second = await roomy.run(twice)

    async with roomy.connection() as db:
        rows = await db.fetch("SELECT id, streak, day_plays FROM user_actions ORDER BY id")
        user = await db.fetchrow("SELECT streak, day_plays FROM action_user WHERE user_id = 7")
        counted = await db.fetchval("SELECT sum(own) FROM intake_counts")
    assert [tuple(row) for row in rows] == [(first, 1, 1), (second, 2, 2)]
    assert (tuple(user or ()), counted) == ((2, 2), 2)


async def test_nothing_is_appended_for_who_has_gone_however_well_known(roomy: Database) -> None:
    async def work(db: Db) -> None:
        known = (await lock_users(db, [7]))[7]
        await db.execute("UPDATE action_user SET erased_at = $1 WHERE user_id = 7", NOON)
        await append(db, Played(7), at=NOON, policy=a_policy(), known=known)

    with pytest.raises(UserGone):
        await roomy.run(work)


@pytest.mark.parametrize("minutes", [0, 29, 31, 26 * 60, -5])
async def test_an_appended_play_moves_the_streak_as_one_that_was_sent(roomy: Database, minutes: int) -> None:
    at = NOON + timedelta(minutes=minutes)
    await roomy.run(lambda db: append_all(db, [Played(7), Played(8)], at=NOON, policy=a_policy()))
    await roomy.run(lambda db: append_all(db, [Played(7), Played(8)], at=at, policy=a_policy()))
    await roomy.run(lambda db: append(db, Played(9), at=NOON, policy=a_policy()))
    await roomy.run(lambda db: append_all(db, [Played(9)], at=at, policy=a_policy()))

    async with roomy.connection() as db:
        rows = await db.fetch(
            """SELECT DISTINCT ON (user_id) user_id, streak, day_plays, last_play_at, last_action_at
               FROM user_actions ORDER BY user_id, id DESC"""
        )
        users = await db.fetch("SELECT streak, day_plays, last_play_us, last_action_us FROM action_user")
    assert len(rows) == 3
    assert len({tuple(row)[1:] for row in rows}) == 1
    assert len({tuple(user) for user in users}) == 1


async def test_an_event_that_breaks_the_plan_is_a_bug(roomy: Database) -> None:
    with pytest.raises(AssertionError, match="level"):
        await appended(roomy, LevelReached(7, 0))
