"""Followers in tests: subscribers that remember, connections that die when told to, hot stores that stumble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Connection, Database, Db
from casino_club.infra.log import rebuild
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.parked import ParkedRow, parked_rows
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Kind, Policies, Subscription
from casino_club.infra.ports import HotStoreAway, HotWrite
from tests.builders.actions import NOON, a_log, a_policy, a_view, record

SECONDS_MAX = 20.0


class Died(asyncpg.ConnectionDoesNotExistError):
    """The process that ran this is no more."""


def dying_at(statement: int, *, after_it: bool) -> type[Connection]:
    """Connections of which one dies at the nth statement of all: before it is sent, or before its answer is read."""
    left = [statement]

    class Dying(Connection):
        async def _execute(self, *args: Any, **kwargs: Any) -> Any:
            return await self._die_or(super()._execute, *args, **kwargs)  # type: ignore[misc]  # the stubs leave it out

        async def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
            return await self._die_or(super().execute, query, *args, **kwargs)

        async def _die_or(self, ask: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after_it:
                self.terminate()
                raise Died("died before a statement")
            answer = await ask(*args, **kwargs)
            if left[0] == 0:
                left[0] = -1
                self.terminate()
                raise Died("died after a statement")
            return answer

    return Dying


async def append(database: Database, users: Sequence[int]) -> list[int]:
    """One row per user, in this order; their ids."""
    rows = [a_view(user) for user in users]
    outcomes = await record(a_log(database), rows, now=NOON + timedelta(seconds=1), policy=a_policy())
    return [outcome.id for outcome in outcomes]


class Table:
    """A subscriber in PostgreSQL: every row it is given lands in a table, with the place at which it came."""

    def __init__(self) -> None:
        self.poisonous: set[int] = set()
        self.away_times = 0
        self.subscription = Subscription("table", Kind.REACTION, "Rows seen.", frozenset(), to_database=self._insert)

    async def make(self, database: Database) -> None:
        async with database.transaction() as db:
            await db.execute("CREATE TABLE seen (place bigint GENERATED ALWAYS AS IDENTITY, id bigint, user_id bigint)")

    async def _insert(self, db: Db, rows: Sequence[LogRow], _: Policies) -> None:
        if self.away_times:
            self.away_times -= 1
            raise ConnectionResetError
        for row in rows:
            await db.execute("INSERT INTO seen (id, user_id) VALUES ($1, $2)", row.id, row.user_id)
        if bad := [row.id for row in rows if row.user_id in self.poisonous]:
            raise ValueError(f"row {bad[0]} can't be")


async def seen(database: Database) -> list[int]:
    async with database.connection() as db:
        return [row[0] for row in await db.fetch("SELECT id FROM seen ORDER BY place")]


async def all_parked(database: Database) -> list[ParkedRow]:
    async with database.connection() as db:
        return await parked_rows(db)


async def asked_for(database: Database) -> list[str]:
    async with database.connection() as db:
        return await rebuild.asked_for(db)


async def last_rows(database: Database) -> dict[int, str]:
    """What a projection of each user's last row must show, from the log."""
    async with database.connection() as db:
        return {row[0]: str(row[1]) for row in await db.fetch("SELECT user_id, max(id) FROM user_actions GROUP BY 1")}


async def hot_rows(hot: RedisHotStore) -> dict[int, str]:
    """What such a projection shows."""
    keys = [key async for key in hot.redis.scan_iter("user:{*}:seen", count=1_000)]
    values = await hot.redis.mget(keys) if keys else []
    return {int(key[key.index("{") + 1 : key.index("}")]): str(value) for key, value in zip(keys, values, strict=True)}


class Stumbling(RedisHotStore):
    """Away for a number of calls; runs something before it applies to a rebuild, before it swaps, or after."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.away_times = 0
        self.before_rebuilding: Callable[[], Awaitable[object]] | None = None
        self.before_swap: Callable[[], Awaitable[object]] | None = None
        self.after_swap: Callable[[], Awaitable[object]] | None = None

    async def __aenter__(self) -> "Stumbling":
        return self

    async def apply(
        self, projection: str, writes: Sequence[HotWrite], *, mark: int, after_mark: int, generation: int = 0
    ) -> bool:
        if self.away_times:
            self.away_times -= 1
            raise HotStoreAway("not now")
        if generation and self.before_rebuilding is not None:
            await self.before_rebuilding()
        return await super().apply(projection, writes, mark=mark, after_mark=after_mark, generation=generation)

    async def swap(
        self,
        projection: str,
        *,
        generation: int,
        names: Sequence[str],
        last_rows: Callable[[Sequence[int]], Awaitable[Mapping[int, int]]],
    ) -> int:
        if self.before_swap is not None:
            await self.before_swap()
        swapped = await super().swap(projection, generation=generation, names=names, last_rows=last_rows)
        if self.after_swap is not None:
            await self.after_swap()
        return swapped


async def catch_up(subscription: Subscription, stores: Stores, *, page_rows: int = 100) -> None:
    """Deliver until nothing is left, as a process does that starts now."""
    follower = Follower(subscription, stores, page_rows=page_rows)
    async with stores.database.connection() as db:
        while (page := await follower.read(db)).rows:
            await follower.deliver(page)


@asynccontextmanager
async def following(*follows: Awaitable[None]) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Runs them as long as the block lasts; what ends one of them early fails the block."""
    tasks = [asyncio.ensure_future(each) for each in follows]
    try:
        yield tasks
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def eventually(holds: Callable[[], Awaitable[object]], *, seconds_max: float = SECONDS_MAX) -> None:
    """Waits for a condition that has to be asked for."""
    async with asyncio.timeout(seconds_max):
        while not await holds():  # noqa: ASYNC110 - other processes make it hold
            await asyncio.sleep(0.01)
