"""Appending to the log: order, idempotency, standings, room."""

import asyncio
from datetime import timedelta

import pytest

from casino_club.features.actions.commands.settle import Status
from casino_club.features.actions.rules.admission import ReadyRow
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON, a_log, a_policy, a_row, a_view, record


async def recorded(database: Database, rows: list[ReadyRow], *, partition_rows: int = 1_000_000) -> list[Status]:
    outcomes = await record(a_log(database, partition_rows=partition_rows), rows, now=NOON, policy=a_policy())
    return [outcome.status for outcome in outcomes]


async def logged(database: Database, *columns: str) -> list[tuple[object, ...]]:
    async with database.connection() as db:
        return [tuple(row) for row in await db.fetch(f"SELECT {', '.join(columns)} FROM user_actions ORDER BY id")]


async def test_rows_reach_the_log_in_the_order_given(database: Database) -> None:
    rows = [a_row(user) for user in (7, 3, 7, 5, 3)]

    statuses = await recorded(database, rows)

    assert statuses == [Status.ACCEPTED] * 5
    assert await logged(database, "user_id") == [(7,), (3,), (7,), (5,), (3,)]


async def test_the_same_row_again_is_a_duplicate_with_the_first_id(database: Database) -> None:
    row = a_row(1)
    first = await record(a_log(database), [row], now=NOON, policy=a_policy())

    again = await record(a_log(database), [a_row(2), row], now=NOON, policy=a_policy())

    assert [o.status for o in again] == [Status.ACCEPTED, Status.DUPLICATE]
    assert again[1].id == first[0].id
    assert len(await logged(database, "id")) == 2


async def test_the_same_key_with_another_body_is_a_conflict(database: Database) -> None:
    row = a_view(1, value=1)
    other = a_view(1, value=2)
    other.key, other.client_action_id = row.key, row.client_action_id

    within = await recorded(database, [row, other])
    later = await recorded(database, [other])

    assert within == [Status.ACCEPTED, Status.CONFLICT]
    assert later == [Status.CONFLICT]


async def test_a_repetition_within_a_batch_is_a_duplicate(database: Database) -> None:
    row = a_row(1)

    assert await recorded(database, [row, row, row]) == [Status.ACCEPTED, Status.DUPLICATE, Status.DUPLICATE]


async def test_rows_without_a_key_are_never_duplicates(database: Database) -> None:
    row = a_view(1, client_action_id=None)

    assert await recorded(database, [row, row]) == [Status.ACCEPTED, Status.ACCEPTED]


async def test_duplicates_do_not_count_as_plays(database: Database) -> None:
    row = a_row(1)
    await recorded(database, [row])

    await recorded(database, [row, a_row(1, at=NOON + timedelta(minutes=1))])

    assert await logged(database, "streak", "day_plays") == [(1, 1), (2, 2)]
    async with database.connection() as db:
        assert await db.fetchval("SELECT (streak, day_plays) FROM action_user") == (2, 2)


@pytest.mark.parametrize("together", [True, False])
async def test_each_row_carries_the_standing_after_it(database: Database, *, together: bool) -> None:
    minutes = (0, 10, 40, 71, 60, -24 * 60, 72)
    rows = [a_row(1, at=NOON + timedelta(minutes=m)) for m in minutes]
    now = NOON + timedelta(hours=2)

    for chunk in [rows] if together else [[row] for row in rows]:
        await record(a_log(database), chunk, now=now, policy=a_policy())

    assert await logged(database, "streak", "day_plays") == [(1, 1), (2, 2), (3, 3), (1, 4), (1, 5), (1, 5), (2, 6)]
    async with database.connection() as db:
        assert await db.fetchval("SELECT (streak, day_plays) FROM action_user") == (2, 6)


async def test_a_batch_longer_than_the_room_made_ahead_makes_room(database: Database) -> None:
    rows = [a_view(user) for user in range(1, 3_001)]

    assert await recorded(database, rows, partition_rows=1_000) == [Status.ACCEPTED] * 3_000


async def test_two_large_batches_with_users_in_opposite_order_both_get_in(database: Database) -> None:
    users = list(range(1, 5_001))
    forth = [a_row(user) for user in users]
    back = [a_row(user) for user in reversed(users)]
    await recorded(database, [a_view(user) for user in users])

    statuses = await asyncio.gather(recorded(database, forth), recorded(database, back))

    assert list(statuses) == [[Status.ACCEPTED] * 5_000] * 2
    assert len(await logged(database, "id")) == 15_000


async def test_the_same_batch_sent_many_times_at_once_is_recorded_once(database: Database) -> None:
    rows = [a_row(user) for user in range(1, 201)]

    statuses = await asyncio.gather(*(recorded(database, rows) for _ in range(6)))

    assert [sum(s[i] is Status.ACCEPTED for s in statuses) for i in range(200)] == [1] * 200
    assert len(await logged(database, "id")) == 200


async def test_ids_rise_per_user_in_the_order_of_their_locks(database: Database) -> None:
    await asyncio.gather(*(recorded(database, [a_row(u) for u in (1, 2, 3)] * 1) for _ in range(40)))

    rows = await logged(database, "user_id", "streak")
    for user in (1, 2, 3):
        assert [streak for of, streak in rows if of == user] == list(range(1, 41))
