"""What the hot store shows is what a plain look over the log says, on random histories through the real pipeline."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from casino_club.features.actions.jobs import HOT_NAMES, hot
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import rebuild
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.rebuilder import run
from tests.builders.actions import a_log, a_policy, a_row, a_view, record
from tests.infra.log.following import catch_up

SEOUL = ZoneInfo("Asia/Seoul")
GAP = timedelta(minutes=30)
USERS = range(1, 31)


async def write_history(database: Database, rng: random.Random, *, now: datetime) -> None:
    """Batches of plays and views around now, some late, some in another order than they happened."""
    rests = {user: timedelta(minutes=rng.choice((0, 4, 32, 44, 80))) for user in USERS}
    for _ in range(12):
        rows = []
        for _ in range(rng.randint(1, 60)):
            user = rng.choice(USERS)
            # Never near the minute at which a streak ends, so that the time which this takes makes no difference.
            back = timedelta(minutes=1 + 4 * rng.choice((0, 1, 2, 5, 7, rng.randint(0, 22), rng.randint(0, 750))))
            make = a_row if rng.random() < 0.7 else a_view
            rows.append(make(user, at=now - rests[user] - back))
        await record(a_log(database), rows, now=now, policy=a_policy())


async def expected(database: Database, now: datetime) -> dict[int, list[str | None]]:
    """From nothing but who did what when, in the order of the log."""
    async with database.connection() as db:
        rows = await db.fetch(
            "SELECT user_id, action_timestamp, action_type = 'SLOT_SPIN' FROM user_actions ORDER BY id"
        )
    return {user: shown([(row[1], row[2]) for row in rows if row[0] == user], now) for user in {row[0] for row in rows}}


def shown(acts: Sequence[tuple[datetime, bool]], now: datetime) -> list[str | None]:
    last_action = str(int(max(at for at, _ in acts).timestamp() * 1_000))
    timely: list[datetime] = []
    late: list[tuple[datetime, datetime]] = []
    for at, is_play in acts:
        if is_play and timely and at < timely[-1]:
            late.append((at, timely[-1]))
        elif is_play:
            timely.append(at)
    if not timely:
        return [None, None, last_action]
    streak = 1
    while streak < len(timely) and timely[-streak] - timely[-streak - 1] <= GAP:
        streak += 1
    today = timely[-1].astimezone(SEOUL).date()
    plays = sum(at.astimezone(SEOUL).date() == today for at in timely)
    plays += sum(at.astimezone(SEOUL).date() == today == last.astimezone(SEOUL).date() for at, last in late)
    return [
        str(streak) if now <= timely[-1] + GAP else None,
        str(plays) if now.astimezone(SEOUL).date() == today else None,
        last_action,
    ]


async def read_all(store: RedisHotStore, users: Sequence[int]) -> dict[int, list[str | None]]:
    return {user: [(await store.read(user, HOT_NAMES))[name] for name in HOT_NAMES] for user in users}


@pytest.mark.parametrize("page_rows", [17, 5_000])
async def test_hot_values_follow_from_the_log(
    database: Database, hot_store: RedisHotStore, page_rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - a failure is run again with it
    now = datetime.now(UTC)
    stores = Stores(database, hot_store, {ActionPolicy: a_policy()})
    await write_history(database, random.Random(seed), now=now)

    await catch_up(hot, stores, page_rows=page_rows)

    before = await expected(database, now)
    found = await read_all(hot_store, list(before))
    after = await expected(database, datetime.now(UTC))  # differs only if a day has ended meanwhile
    assert all(found[user] in (before[user], after[user]) for user in before), (found, before)
    assert len({values[0] for values in before.values()}) > 2


async def test_a_rebuild_of_hot_values_comes_to_the_same(database: Database, hot_store: RedisHotStore) -> None:
    now = datetime.now(UTC)
    stores = Stores(database, hot_store, {ActionPolicy: a_policy()})
    await write_history(database, random.Random(3), now=now)
    await catch_up(hot, stores)
    before = await read_all(hot_store, USERS)
    await hot_store.redis.flushall()
    async with database.transaction() as db:
        await rebuild.ask(db, "hot")

    assert await run(hot, stores)

    assert await read_all(hot_store, USERS) == before
