"""Appending in the transaction of an effect."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest

from casino_club.features.actions.public import append
from casino_club.infra.db.database import Database
from casino_club.kernel.ids import derived_uuid
from tests.builders.actions import NOON, a_log, a_policy


@dataclass(frozen=True)
class LevelReached:
    action_type: ClassVar[str] = "LEVEL_UP"
    user_id: int
    level: int
    value: int | None = None


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


async def test_an_event_that_breaks_the_plan_is_a_bug(roomy: Database) -> None:
    with pytest.raises(AssertionError, match="level"):
        await appended(roomy, LevelReached(7, 0))
