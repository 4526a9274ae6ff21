"""What was settled is counted with it: whatever is sent, the counts agree with the rows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from casino_club.features.actions.commands.events import append
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON, a_log, a_policy, a_row, a_view, record
from tests.features.actions.club import Club, open_club
from tests.features.actions.test_events import LevelReached

ACTIONS, BATCH = "/api/actions", "/api/actions/batch"
COUNTS = """SELECT coalesce(sum(received), 0), coalesce(sum(accepted), 0), coalesce(sum(duplicate), 0),
                   coalesce(sum(refused), 0), coalesce(sum(own), 0) FROM intake_counts"""


@pytest.fixture
async def club(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Club]:
    await a_log(database).make_room()
    async with open_club(database, database_url, redis_url) as opened:
        yield opened


async def counted(database: Database) -> tuple[int, ...]:
    """Received, accepted, duplicate, refused, own; after seeing that the rows say the same."""
    async with database.connection() as db:
        counts = await db.fetchrow(COUNTS)
        stored = await db.fetchval("SELECT count(*) FROM user_actions")
        kept = await db.fetchval("SELECT count(*) FROM refused_actions")
        minutes = "SELECT date_trunc('minute', {}) FROM {} GROUP BY 1 ORDER BY 1"
        seen = await db.fetch(minutes.format("appended_at", "user_actions"))
        assert not seen or set(seen) <= set(await db.fetch(minutes.format("minute", "intake_counts")))
    assert counts is not None
    received, accepted, duplicate, refused, own = counts
    assert (accepted + own, refused) == (stored, kept)
    assert received == accepted + duplicate + refused
    return received, accepted, duplicate, refused, own


def view(user: int = 1, **more: Any) -> dict[str, Any]:
    return {"action_type": "VIEW_CONTENT", "user_id": user, "client_action_id": str(uuid4()), **more}


async def test_a_batch_counts_each_action_by_its_verdict(club: Club) -> None:
    first, other = view(), view(2)
    repeat, conflict = {**first}, {**other, "value": 7}

    await club.post(BATCH, {"actions": [first, other, repeat, conflict, view(3, action_type="NO_SUCH"), 5]})
    assert await counted(club.database) == (6, 2, 1, 3, 0)
    await club.post(BATCH, {"actions": [first, {**conflict}, {**conflict}, view(4)]})

    assert await counted(club.database) == (10, 3, 2, 5, 0)


async def test_a_batch_of_nothing_new_and_one_of_nothing_good_are_counted_too(club: Club) -> None:
    known = view()
    await club.post(ACTIONS, known)

    await club.post(BATCH, {"actions": [known, known]})
    await club.post(BATCH, {"actions": [5]})
    await club.post(BATCH, {"actions": []})

    assert await counted(club.database) == (4, 1, 2, 1, 0)


async def test_single_actions_that_share_a_transaction_are_counted_each(club: Club) -> None:
    known, clashing = view(), view()
    await club.post(ACTIONS, known)
    await club.post(ACTIONS, clashing)

    sent = [view(user) for user in range(1, 21)] + [known, {**clashing, "value": 3}, view(action_type="NO_SUCH")]
    answers = await asyncio.gather(*(club.post(ACTIONS, each) for each in sent))

    assert [answer.status_code for answer in answers] == [201] * 21 + [409, 422]
    assert await counted(club.database) == (25, 22, 1, 2, 0)


async def test_a_large_batch_is_counted_in_its_parts(club: Club) -> None:
    actions = [view(1 + place % 700) for place in range(6_000)]
    actions[5_000] = view(action_type="NO_SUCH")

    await club.post(BATCH, {"actions": actions})

    assert await counted(club.database) == (6_000, 5_999, 0, 1, 0)


async def test_a_refused_action_that_staff_record_after_all_is_the_platforms_own(club: Club) -> None:
    await club.post(ACTIONS, view(action_type="NO_SUCH"))
    [kept] = (await club.get("/api/admin/refused-actions")).json()["refused"]
    other = view()
    await club.post(ACTIONS, other)

    clash = await club.post(f"/api/admin/refused-actions/{kept['id']}/replay", {"action": {**other, "value": 9}})
    assert (clash.status_code, await counted(club.database)) == (409, (2, 1, 0, 1, 0))
    await club.post(f"/api/admin/refused-actions/{kept['id']}/replay", {"action": view()})

    assert await counted(club.database) == (2, 1, 0, 1, 1)


async def test_what_the_platform_appends_itself_is_counted_apart_and_once(database: Database) -> None:
    await a_log(database).make_room()
    cause = uuid4()

    for _ in range(2):
        async with database.transaction() as db:
            await append(db, LevelReached(77, 3), at=NOON, policy=a_policy(), cause=cause)

    assert await counted(database) == (0, 0, 0, 0, 1)


async def test_attempts_that_are_rolled_back_leave_no_count(database: Database) -> None:
    rows = [a_view(user) for user in range(1, 301)]

    await record(a_log(database, partition_rows=100), rows, now=NOON, policy=a_policy())
    await asyncio.gather(
        *(record(a_log(database), rows[::step], now=NOON, policy=a_policy()) for step in (1, -1, 2)),
        record(a_log(database), [a_row(user) for user in range(300, 0, -1)], now=NOON, policy=a_policy()),
    )

    assert (await counted(database))[:3] == (1350, 600, 750)
