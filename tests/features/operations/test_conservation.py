"""Every action is accounted for: minutes close when all sides agree, and stay open, with the side named, when not."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from casino_club.features.actions.commands.events import append as append_event
from casino_club.features.actions.commands.intake import take_batch
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from casino_club.features.actions.store import writing
from casino_club.features.operations import rules, store
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.db.database import Database, Db
from tests.builders.actions import NOON, SERVICE, a_log, a_policy
from tests.features.actions.test_events import LevelReached

SOON = NOON + timedelta(seconds=70)
LATER = NOON + timedelta(minutes=10)


@pytest.fixture
async def begun(database: Database) -> Database:
    await a_log(database).make_room()
    await database.run(conservation.begin)
    return database


def views(users: Sequence[int]) -> list[ActionIn | MalformedRow]:
    return [ActionIn("VIEW_CONTENT", user, client_action_id=uuid4()) for user in users]


async def send(database: Database, sent: Sequence[ActionIn | MalformedRow], *, at: datetime = NOON) -> None:
    async for _ in take_batch(a_log(database), SERVICE, sent, now=at, policy=a_policy()):
        pass


async def taken(database: Database, places: Mapping[Side, Any] | None = None, *, now: datetime = SOON) -> list[Minute]:
    """Every minute after stock was taken twice: what changed at the first look is judged at the second."""
    for _ in range(2):
        await conservation.take_stock(database, places or {}, now=lambda: now)
    async with database.connection() as db:
        return (await store.newest_minutes(db, before=None, is_open=None, limit=1_000))[::-1]


def differing(minute: Minute, *, now: datetime = LATER) -> dict[Side, int]:
    assert minute.closed_at is None
    return rules.differences(minute, now=now)


async def execute(database: Database, statement: str) -> None:
    async with database.transaction() as db:
        await db.execute(statement)


async def test_a_minute_with_every_kind_of_verdict_closes_once_it_has_ended(begun: Database) -> None:
    sent = views([1, 2, 3])
    await send(begun, [*sent, sent[0], MalformedRow("no", b"5"), ActionIn("NO_SUCH", 1)])
    async with begun.transaction() as db:
        await append_event(db, LevelReached(7, 3), at=NOON, policy=a_policy())

    [running] = await taken(begun, now=NOON + timedelta(seconds=30))
    [minute] = await taken(begun)

    assert running.closed_at is None
    assert (minute.received, minute.accepted, minute.duplicate, minute.refused, minute.own) == (6, 3, 1, 2, 1)
    assert (minute.stored, minute.stored_own) == (4, 1)
    assert minute.kept == {"invalid_action": 1, "unknown_action_type": 1}
    assert minute.closed_at == SOON


async def test_whatever_runs_meanwhile_the_sums_agree_at_every_look(begun: Database) -> None:
    async def many(first: int) -> None:
        for place in range(12):
            await send(begun, views(range(first, first + 40)), at=NOON + timedelta(seconds=7 * place))

    sending = [asyncio.create_task(many(first)) for first in (1, 20, 60)]
    looks = 0
    while not all(task.done() for task in sending):
        await conservation.take_stock(begun, {}, now=lambda: LATER)
        async with begun.connection() as db:
            assert not any(rules.gaps(each) for each in await store.open_minutes(db, limit=99))
        looks += 1

    minutes = await taken(begun, now=LATER)

    assert looks > 3
    assert sum(minute.stored for minute in minutes) == 3 * 12 * 40
    assert all(minute.closed_at for minute in minutes)


async def test_a_transaction_that_commits_long_after_its_minute_opens_it_and_closes_it_again(begun: Database) -> None:
    await send(begun, views([1]))
    await taken(begun)
    async with begun.transaction() as late:
        await append_event(late, LevelReached(7, 3), at=NOON, policy=a_policy())
        [before] = await taken(begun, now=LATER)

    [after] = await taken(begun, now=LATER + timedelta(seconds=9))

    assert (before.stored, before.closed_at) == (1, SOON)
    assert (after.stored, after.closed_at) == (2, LATER + timedelta(seconds=9))


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1), timedelta(days=-1)])
async def test_a_clock_that_jumps_at_a_door_keeps_no_minute_open(begun: Database, jump: timedelta) -> None:
    await send(begun, views([1, 2]))
    await send(begun, views([1, 2]), at=NOON + jump)
    await send(begun, views([3]), at=NOON + timedelta(seconds=1))

    minutes = await taken(begun)

    assert sorted((each.minute, each.stored) for each in minutes) == sorted([(NOON, 3), (NOON + jump, 2)])
    assert [each.closed_at for each in minutes] == [SOON, SOON]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1), timedelta(days=-1)])
async def test_a_clock_that_jumps_where_stock_is_taken_hides_no_difference(begun: Database, jump: timedelta) -> None:
    await send(begun, views([1, 2]))
    await execute(begun, "DELETE FROM user_actions WHERE user_id = 2")
    await taken(begun)

    [minute] = await taken(begun, now=SOON + jump)

    assert differing(minute, now=SOON + jump) == {Side.STORED: -1}
    assert rules.is_late(minute, now=SOON + jump)


async def test_a_row_that_is_lost_on_its_way_into_the_log_is_missed(
    begun: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(begun, views([1]))
    copy = writing.copy_rows

    async def copy_all_but_one(db: Db, encoded: AsyncIterator[bytes]) -> None:
        await copy(db, encoded)
        await db.execute("DELETE FROM user_actions WHERE user_id = 2")

    monkeypatch.setattr(writing, "copy_rows", copy_all_but_one)
    await send(begun, views([1, 2, 3]))
    [minute] = await taken(begun)

    assert differing(minute) == {Side.STORED: -1}
    assert rules.sentence(minute, now=LATER) == "1 missing in the log."


async def test_a_row_that_came_in_twice_is_noticed(begun: Database) -> None:
    await send(begun, views([1, 2]))
    await execute(
        begun,
        """INSERT INTO user_actions SELECT (jsonb_populate_record(a, jsonb_build_object(
               'id', nextval('action_ids'), 'xact', pg_current_xact_id()::text))).* FROM user_actions AS a
           WHERE user_id = 2""",
    )

    [minute] = await taken(begun)

    assert differing(minute) == {Side.STORED: 1}


async def test_a_duplicate_that_is_counted_as_stored_is_noticed(begun: Database) -> None:
    sent = views([1, 2])
    await send(begun, [*sent, sent[0]])
    await execute(begun, "UPDATE intake_counts SET accepted = accepted + 1, duplicate = duplicate - 1")

    [minute] = await taken(begun)

    assert differing(minute) == {Side.STORED: -1}


async def test_a_refused_action_that_was_not_kept_is_missed(begun: Database) -> None:
    await send(begun, [*views([1]), MalformedRow("no", b"5"), MalformedRow("no", b"6")])
    await execute(begun, "DELETE FROM refused_actions WHERE body = '6'")

    [minute] = await taken(begun)

    assert differing(minute) == {Side.REFUSED: -1}


async def test_an_action_that_got_no_verdict_is_missed(begun: Database) -> None:
    await send(begun, views([1, 2]))
    await execute(begun, "UPDATE intake_counts SET received = received + 1")

    [minute] = await taken(begun)

    assert differing(minute) == {Side.VERDICTS: -1}


def a_place(database: Database, *, share: str = "true") -> Any:
    """A place that has those rows of the log of which this is true."""

    async def count(minutes: Sequence[Minute]) -> Mapping[datetime, int]:
        async with database.connection() as db:
            rows = await db.fetch(
                f"""SELECT date_trunc('minute', appended_at), count(*) FROM user_actions
                    WHERE date_trunc('minute', appended_at) = ANY($1) AND {share} GROUP BY 1""",
                [each.minute for each in minutes],
            )
        return {row[0]: row[1] for row in rows}

    return count


@pytest.mark.parametrize("side", rules.PLACES)
async def test_a_minute_stays_open_until_all_of_its_rows_have_arrived(begun: Database, side: Side) -> None:
    await send(begun, views([1, 2, 3]))

    [waiting] = await taken(begun, {side: a_place(begun, share="user_id < 3")})
    [closed] = await taken(begun, {side: a_place(begun)})

    assert (waiting.closed_at, rules.lags(waiting, now=SOON)) == (None, {side: 1})
    assert rules.differences(waiting, now=SOON) == {}
    assert differing(waiting) == {side: -1}
    assert (closed.closed_at, closed.elsewhere) == (SOON, {side: 3})


@pytest.mark.parametrize("side", rules.PLACES)
async def test_what_a_place_has_too_much_is_noticed_at_once(begun: Database, side: Side) -> None:
    await send(begun, views([1, 2, 3]))

    async def doubled(minutes: Sequence[Minute]) -> Mapping[datetime, int]:
        return {minute: rows + 1 for minute, rows in (await a_place(begun)(minutes)).items()}

    [minute] = await taken(begun, {side: doubled})

    assert differing(minute, now=SOON) == {side: 1}


@pytest.mark.parametrize(
    ("loss", "places", "expected"),
    [
        ("DELETE FROM user_actions WHERE user_id = 2", "true", {Side.STORED: -1}),
        ("SELECT", "user_id <> 3", {Side.WAREHOUSE: -1}),
        ("SELECT", "true", None),
    ],
)
async def test_what_is_lost_from_a_closed_minute_is_found_when_it_is_counted_again(
    begun: Database, loss: str, places: str, expected: dict[Side, int] | None
) -> None:
    await send(begun, views([1, 2, 3]))
    await taken(begun, {Side.WAREHOUSE: a_place(begun)})
    later = NOON + timedelta(hours=20)
    await execute(begun, loss)

    found = {Side.WAREHOUSE: a_place(begun, share=f"{places} AND user_id <> 99")}
    opened = await conservation.recheck(begun, found, now=later)

    async with begun.connection() as db:
        [minute] = await store.newest_minutes(db, before=None, is_open=None, limit=9)
    if expected is None:
        assert (opened, minute.closed_at) == (0, SOON)
    else:
        assert opened == 1
        assert differing(minute, now=later + timedelta(minutes=5)) == expected


async def test_who_was_away_reads_on_in_bounded_passes(begun: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conservation, "TRANSACTIONS_MAX", 3)
    for place in range(20):
        await send(begun, views([1, 2]), at=NOON + timedelta(seconds=place))

    [minute] = await taken(begun)

    assert (minute.stored, minute.closed_at) == (40, SOON)


async def test_taking_stock_several_times_at_once_counts_everything_once(begun: Database) -> None:
    for place in range(30):
        await send(begun, views([1, 2, 3]), at=NOON + timedelta(seconds=place))
        await asyncio.gather(*(conservation.take_stock(begun, {}, now=lambda: SOON) for _ in range(3)))

    [minute] = await taken(begun)

    assert (minute.stored, minute.received, minute.closed_at is None) == (90, 90, False)
