"""Writers that make reading hard: batches, savepoints, rollbacks, transactions held open, commits out of order.

What they committed is known to them, so that a reader can be held against it.
"""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg

from casino_club.infra.db.database import Database
from tests.builders.actions import NOON, a_log, a_policy, a_row, record

RAW_USERS = range(1, 31)
OUR_USERS = range(1_001, 1_031)

INSERT = """INSERT INTO user_actions (id, appended_at, user_id, scope, action_type, value, metadata, action_timestamp,
              is_play, by_user, streak, day_plays, last_action_at)
            SELECT nextval('action_ids'), now(), $1, 0, 'SLOT_SPIN', NULL, '{}', now(), true, true, $2, 0, now()
            RETURNING id"""


@dataclass
class Written:
    """Committed rows by id, each with its user and the number of its effect on that user."""

    rows: dict[int, tuple[int, int]] = field(default_factory=dict)
    rolled_back: set[int] = field(default_factory=set)
    recorded: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) + self.recorded


class Undone(Exception):
    """A writer changed its mind."""


async def write_raw(url: str, seed: int, written: Written, enough: Callable[[], bool]) -> None:
    """As another program would: lock the users' rows, draw ids behind the lock, count the effect in `action_user`."""
    rng = random.Random(seed)
    db = await asyncpg.connect(url)
    try:
        while not enough():
            done: dict[int, tuple[int, int]] = {}
            given_up: set[int] = set()
            async with asyncio.timeout(30):
                await _transaction(db, rng, done, given_up, may_hold_long=seed % 12 == 0)
                if rng.random() < 0.1:
                    await db.execute("ROLLBACK")
                    written.rolled_back |= given_up | done.keys()
                else:
                    await db.execute("COMMIT")
                    written.rows |= done
                    written.rolled_back |= given_up
    finally:
        await db.close()


async def _transaction(
    db: asyncpg.Connection,
    rng: random.Random,
    done: dict[int, tuple[int, int]],
    given_up: set[int],
    *,
    may_hold_long: bool,
) -> None:
    users = sorted(rng.sample(RAW_USERS, rng.choice((1, 1, 2, 5))))
    await db.execute("BEGIN")
    if rng.random() < 0.4:
        await db.execute("SELECT pg_current_xact_id()")
    if rng.random() < 0.2:
        await asyncio.sleep(rng.random() * 0.05)
    await db.execute("SELECT FROM action_user WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE", users)
    if rng.random() < 0.2:
        await asyncio.sleep(rng.random() * 0.02)
    for user in users:
        is_saved = rng.random() < 0.3
        if is_saved:
            await db.execute("SAVEPOINT here")
        number = await db.fetchval(
            "UPDATE action_user SET streak = streak + 1 WHERE user_id = $1 RETURNING streak", user
        )
        row_id = await db.fetchval(INSERT, user, number)
        if is_saved and rng.random() < 0.3:
            await db.execute("ROLLBACK TO SAVEPOINT here")
            given_up.add(row_id)
        else:
            done[row_id] = (user, number)
    if rng.random() < (0.05 if may_hold_long else 0.002):
        await asyncio.sleep(rng.random())


async def write_recorded(database: Database, seed: int, written: Written, enough: Callable[[], bool]) -> None:
    """As we do: `record`, in batches. The streak numbers the effects, since every play comes in time for the next."""
    rng = random.Random(seed)
    log, policy = a_log(database), a_policy()
    while not enough():
        users = [rng.choice(OUR_USERS) for _ in range(rng.choice((1, 1, 5, 20, 100)))]
        rows = [a_row(user, client_action_id=uuid.UUID(int=rng.getrandbits(128))) for user in users]
        await record(log, rows, now=NOON + timedelta(seconds=1), policy=policy)
        written.recorded += len(rows)
        while written.recorded > 2 * len(written.rows) and not enough():  # noqa: ASYNC110 - others do it
            await asyncio.sleep(0.005)


async def add_users(database: Database) -> None:
    """A row to lock for each user of the raw writers."""
    async with database.transaction() as db:
        await db.execute("INSERT INTO action_user (user_id) SELECT unnest($1::bigint[])", list(RAW_USERS))


async def committed(database: Database) -> dict[int, tuple[int, int]]:
    """What the log holds in the end: ids with user and number of the effect."""
    async with database.connection() as db:
        return {row[0]: (row[1], row[2]) for row in await db.fetch("SELECT id, user_id, streak FROM user_actions")}


def faults(delivered: list[tuple[int, int, int]], truth: dict[int, tuple[int, int]]) -> dict[str, int]:
    """How often a reader broke each promise: rows lost, repeated, never committed, and out of their user's order."""
    seen: set[int] = set()
    last: dict[int, int] = {}
    found = {"lost": 0, "repeated": 0, "never committed": 0, "out of order": 0}
    for row_id, user, number in delivered:
        found["repeated"] += row_id in seen
        found["never committed"] += truth.get(row_id) != (user, number)
        found["out of order"] += number != last.get(user, 0) + 1
        seen.add(row_id)
        last[user] = max(last.get(user, 0), number)
    found["lost"] = len(truth.keys() - seen)
    return found
