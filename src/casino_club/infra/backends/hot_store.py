"""The hot store on Redis, private or named: the same commands, the same keys.

The braces in a key are a cluster's hash tag: a user's values lie on one node, where a script changes them together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, cast

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from casino_club.infra.ports import HotFacts, HotStoreAway, HotWrite

ANSWER_SECONDS_MAX = 5.0
SCAN_COUNT = 1_000

APPLY = """
local shown = tonumber(redis.call('GET', KEYS[1]) or '')
if shown and shown >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS do
  local text, until_ms = ARGV[2 * i - 2], ARGV[2 * i - 1]
  if until_ms == 'gone' then redis.call('DEL', KEYS[i])
  elseif until_ms == '' then redis.call('SET', KEYS[i], text)
  else redis.call('SET', KEYS[i], text, 'PXAT', until_ms) end
end
return 1
"""

SWAP = """
local rebuilt = tonumber(redis.call('GET', KEYS[2]) or '')
if not rebuilt then return 0 end
local shown = tonumber(redis.call('GET', KEYS[1]) or '')
local half = #KEYS / 2
if not shown or shown <= rebuilt then
  for i = 1, half do
    if redis.call('EXISTS', KEYS[2 * i]) == 1 then redis.call('RENAME', KEYS[2 * i], KEYS[2 * i - 1])
    else redis.call('DEL', KEYS[2 * i - 1]) end
  end
else
  for i = 1, half do redis.call('DEL', KEYS[2 * i]) end
end
return 1
"""

DISTRUST = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 or ARGV[2] == 'known' then return 1 end
for i = 3, #KEYS do redis.call('DEL', KEYS[i]) end
return 1
"""

FORGET = """
local shown = tonumber(redis.call('GET', KEYS[1]) or '')
if not shown or shown < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return 1
"""

MARK = """
local mark = tonumber(redis.call('GET', KEYS[1]) or '')
if not mark or mark < tonumber(ARGV[1]) then return 0 end
if mark < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""

NOT_LOADED = "0" * 40

AWAY = (
    RedisConnectionError,
    RedisTimeoutError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    ClusterDownError,
    OutOfMemoryError,
)
"""The store's fault and not that of what is written: it may be tried again as it is."""

TAKES_NO_WRITES = ("MISCONF", "NOREPLICAS", "MASTERDOWN")
"""The same, from stores whose disk or whose copies are in trouble; the client knows them by these words only."""


class RedisHotStore:
    """Keeps the promise of `ports.HotStore`."""

    def __init__(self, url: str) -> None:
        self.redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_SECONDS_MAX,
            socket_connect_timeout=ANSWER_SECONDS_MAX,
            retry=Retry(NoBackoff(), 1),
        )
        self._bulk: Redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=ANSWER_SECONDS_MAX)
        self._apply_sha = self._mark_sha = NOT_LOADED

    async def __aenter__(self) -> "RedisHotStore":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bulk.aclose()
        await self.redis.aclose()

    async def apply(
        self, projection: str, writes: Sequence[HotWrite], *, mark: int, after_mark: int, generation: int = 0
    ) -> bool:
        calls = [_apply_words(_prefix(projection, generation), projection, write) for write in writes]
        marks = (1, _mark_key(projection, generation), after_mark, mark)
        with _away():
            try:
                return await self._apply(calls, marks)
            except NoScriptError:
                self._apply_sha = await self.redis.script_load(APPLY)
                self._mark_sha = await self.redis.script_load(MARK)
                return await self._apply(calls, marks)

    async def _apply(self, calls: Sequence[Sequence[Any]], marks: Sequence[Any]) -> bool:
        commands = [("EVALSHA", self._apply_sha, *words) for words in calls]
        answers = await self._ask([*commands, ("EVALSHA", self._mark_sha, *marks)])
        return bool(answers[-1])

    async def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """All answers in one round trip. redis-py's pipeline packs in Python and sets a timer for each answer."""
        connection = await self._bulk.connection_pool.get_connection()  # type: ignore[no-untyped-call]  # as it comes
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await connection.send_packed_command(b"".join([pack_command(command) for command in commands]))
                answers = [await _answer(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._bulk.connection_pool.release(connection)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    async def set_mark(self, projection: str, mark: int, *, generation: int = 0) -> None:
        with _away():
            await self.redis.set(_mark_key(projection, generation), mark)

    async def mark_of(self, projection: str) -> int | None:
        with _away():
            mark = await self.redis.get(_mark_key(projection, 0))
        return None if mark is None else int(mark)

    async def apply_apart(self, projection: str, writes: Sequence[HotWrite]) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for write in writes:
            pipeline.eval(APPLY, *_apply_words("", projection, write))
        with _away():
            await pipeline.execute()

    async def forget(self, projection: str, user_id: int, names: Sequence[str], *, row_id: int) -> None:
        keys = [_key("", user_id, name) for name in (_guard(projection), *names)]
        with _away():
            await self._each(FORGET, [(keys, (str(row_id),))])

    async def begin_user_again(self, projection: str, user_id: int, names: Sequence[str]) -> None:
        with _away():
            await self.redis.unlink(*(_key("", user_id, name) for name in (_guard(projection), *names)))

    async def digest(self, projection: str, names: Sequence[str]) -> tuple[int, int]:
        seen: set[int] = set()
        total = 0
        with _away():
            async for page in self._users("", projection):
                users = [user for user in dict.fromkeys(page) if user not in seen]
                seen.update(users)
                keys = [_key("", user, name) for user in users for name in names]
                values = await cast("Awaitable[list[str | None]]", self.redis.mget(keys)) if keys else []
                total += sum(_number(f"{key}={value}") for key, value in zip(keys, values, strict=True) if value)
        return len(seen), total % (1 << 64)

    async def read(self, user_id: int, names: Sequence[str]) -> dict[str, str | None]:
        with _away():
            values = await cast(
                "Awaitable[list[str | None]]", self.redis.mget([_key("", user_id, name) for name in names])
            )
        return dict(zip(names, values, strict=True))

    async def swap(
        self,
        projection: str,
        *,
        generation: int,
        names: Sequence[str],
        last_rows: Callable[[Sequence[int]], Awaitable[Mapping[int, int]]],
    ) -> int:
        prefix, shown = _prefix(projection, generation), [_guard(projection), *names]
        with _away():
            async for users in self._users("", projection):
                await self._distrust(users, await self._guards(users, shown[0]), await last_rows(users), prefix, shown)
            swapped = 0
            async for users in self._users(prefix, projection):
                keys = [[_key(place, user, name) for name in shown for place in ("", prefix)] for user in users]
                swapped += await self._each(SWAP, [(of_user, ()) for of_user in keys])
            await self.redis.delete(_mark_key(projection, generation))
        return swapped

    async def _guards(self, users: Sequence[int], guard: str) -> list[str | None]:
        return await cast("Awaitable[list[str | None]]", self.redis.mget([_key("", user, guard) for user in users]))

    async def _distrust(
        self,
        users: Sequence[int],
        guards: Sequence[str | None],
        last: Mapping[int, int],
        prefix: str,
        shown: Sequence[str],
    ) -> None:
        """Give up guards that name a row beyond the user's last; with them all values, if the log has no such user.

        The guards were read before the log was asked, so an honest one can't be beyond.
        """
        calls = [
            (
                [_key(prefix, user, shown[0]), *(_key("", user, name) for name in shown)],
                (guard, "known" if user in last else "unknown"),
            )
            for user, guard in zip(users, guards, strict=True)
            if guard is not None and not (guard.isdecimal() and int(guard) <= last.get(user, 0))
        ]
        await self._each(DISTRUST, calls)

    async def discard(self, projection: str, *, generation: int) -> None:
        with _away():
            async for keys in self._pages(f"{_prefix(projection, generation)}user:*"):
                await self.redis.unlink(*keys)
            await self.redis.delete(_mark_key(projection, generation))

    async def ping(self) -> None:
        with _away():
            await self.redis.ping()

    async def facts(self) -> HotFacts:
        with _away():
            info: dict[str, Any] = await self.redis.info()
            survives = bool(info["aof_enabled"]) or await self._saves()
        return HotFacts(str(info["redis_version"]), survives, str(info["maxmemory_policy"]))

    async def _saves(self) -> bool | None:
        try:
            return bool((await self.redis.config_get("save"))["save"])
        except ResponseError:  # Where the store is rented, its settings may be closed to us.
            return None

    async def _each(self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[str]]]) -> int:
        pipeline = self.redis.pipeline(transaction=False)
        for keys, words in calls:
            pipeline.eval(script, len(keys), *keys, *words)
        return sum(await pipeline.execute())

    async def _users(self, prefix: str, projection: str) -> AsyncIterator[list[int]]:
        async for keys in self._pages(f"{prefix}user:{{*}}:{_guard(projection)}"):
            yield [int(key[key.index("{") + 1 : key.index("}")]) for key in keys]

    async def _pages(self, pattern: str) -> AsyncIterator[list[str]]:
        cursor = 0
        while True:
            cursor, keys = await self.redis.scan(cursor, match=pattern, count=SCAN_COUNT)
            if keys:
                yield cast("list[str]", keys)
            if cursor == 0:
                return


async def _answer(connection: AbstractConnection) -> Any:
    """The next answer; an error is one, so that those behind it can be read too."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _apply_words(prefix: str, projection: str, write: HotWrite) -> list[Any]:
    keys: list[Any] = [_key(prefix, write.user_id, _guard(projection))]
    words: list[Any] = [write.row_id]
    for name, value in write.values.items():
        keys.append(_key(prefix, write.user_id, name))
        words += ("", "gone") if value is None else (value.text, "" if value.until_ms is None else value.until_ms)
    return [len(keys), *keys, *words]


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8])


def _key(prefix: str, user_id: int, name: str) -> str:
    return f"{prefix}user:{{{user_id}}}:{name}"


def _guard(projection: str) -> str:
    """The id of the last row that a user's values follow from."""
    return f"{projection}_row_id"


def _prefix(projection: str, generation: int) -> str:
    return f"rebuild:{generation}:{projection}:" if generation else ""


def _mark_key(projection: str, generation: int) -> str:
    return f"{_prefix(projection, generation)}mark:{projection}"


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise HotStoreAway(f"Redis does not answer: {type(error).__name__}") from error
    except ResponseError as error:
        word = next((word for word in TAKES_NO_WRITES if word in str(error)), None)
        if word is None:
            raise
        raise HotStoreAway(f"Redis takes no writes: {word}") from error
