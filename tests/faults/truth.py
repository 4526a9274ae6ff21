"""Reads all that the servers hold, once nothing moves any more."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from casino_club.infra import runtime
from casino_club.infra.log import lag, rebuild
from casino_club.infra.ports import Unusable
from tests.faults.checker import State
from tests.faults.oracle import EPOCH, LogRow, Shown, Standing
from tests.faults.stage import Stage

SETTLED_SECONDS_MAX = 60.0
CLOSED_SECONDS_MAX = 180.0
LOOK_SECONDS = 0.02
HOT_NAMES = ("streak_count", "daily_play_count", "last_action_ts", "hot_row_id")


async def settled(stage: Stage) -> None:
    """Waits until every reader of the log has caught up and no rebuild is left."""
    async with asyncio.timeout(SETTLED_SECONDS_MAX), stage.database() as db:
        while any(each.rows for each in await lag.lags(db)) or await rebuild.asked_for(db):  # noqa: ASYNC110 - other processes get there
            await asyncio.sleep(LOOK_SECONDS)


async def seconds_until_shown(stage: Stage, user_id: int, action_id: int, *, since: float) -> float:
    """Waits until the hot store shows this row of the user, or a later one; the time from `since`."""
    async with asyncio.timeout(SETTLED_SECONDS_MAX):
        while await _guard(stage, user_id) < action_id:  # noqa: ASYNC110 - other processes get there
            await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - since


async def _guard(stage: Stage, user_id: int) -> int:
    try:
        async with hot_store(stage) as redis:
            return int(await redis.get(f"user:{{{user_id}}}:hot_row_id") or 0)
    except (RedisError, OSError, Unusable):
        return 0


@asynccontextmanager
async def hot_store(stage: Stage) -> AsyncIterator[Redis]:
    """A client of the harness's own."""
    redis: Redis = Redis.from_url(
        runtime.redis_url(stage.settings), decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=10
    )
    try:
        yield redis
    finally:
        await redis.aclose()


async def read_state(stage: Stage, *, with_hot: bool = True) -> State:
    """The log, its keys, the standings, the hot store, and what is parked, waiting or being rebuilt."""
    async with stage.database() as db, db.transaction(isolation="repeatable_read", readonly=True):
        log = [_log_row(record) for record in await db.fetch(_LOG)]
        keys = {row[0]: row[1] for row in await db.fetch("SELECT key, id FROM action_keys")}
        standings = {row[0]: _standing(row) for row in await db.fetch(_STANDINGS)}
        parked = await db.fetchval("SELECT count(*) FROM parked_rows")
        waiting = sum(each.rows for each in await lag.lags(db))
        rebuilding = len(await rebuild.asked_for(db))
        unaccounted = [row[0] for row in await db.fetch(_UNACCOUNTED)]
    hot, read_ms, strays = await _read_hot(stage) if with_hot else ({}, (0, 0), [])
    return State(log, keys, standings, hot, read_ms, strays, parked, waiting, rebuilding, unaccounted)


async def all_closed(stage: Stage) -> None:
    """Waits until every minute is over and has closed: nothing is missing or too much, here or in the warehouse."""
    async with asyncio.timeout(CLOSED_SECONDS_MAX), stage.database() as db:
        while await db.fetchval("SELECT EXISTS (SELECT FROM conservation_minutes WHERE closed_at IS NULL)"):  # noqa: ASYNC110 - other processes get there
            await asyncio.sleep(LOOK_SECONDS)


_UNACCOUNTED = """SELECT format('%s: received %s, accepted %s, duplicate %s, refused %s, own %s, stored %s, kept %s',
                                minute, received, accepted, duplicate, refused, own, stored, kept)
                  FROM conservation_minutes
                  WHERE received <> accepted + duplicate + refused OR stored <> accepted + own
                     OR refused <> (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(kept))
                  UNION ALL
                  SELECT format('%s rows, and %s in minutes', log.rows, minutes.stored)
                  FROM (SELECT count(*) AS rows FROM user_actions) AS log,
                       (SELECT coalesce(sum(stored), 0) AS stored FROM conservation_minutes) AS minutes
                  WHERE log.rows <> minutes.stored"""
_LOG = """SELECT id, user_id, client_action_id, action_type, value, metadata::text, action_timestamp, appended_at,
                 streak, day_plays, last_play_at, last_action_at
          FROM user_actions ORDER BY id"""
_STANDINGS = """SELECT user_id, streak, day_plays, last_play_us, last_action_us FROM action_user
                WHERE last_action_us > 0"""


def _log_row(record: asyncpg.Record) -> LogRow:
    values: list[Any] = list(record)
    values[5] = json.loads(values[5])
    return LogRow(*values)


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(row[1], row[2], _instant(row[3]), _instant(row[4]))


def _instant(us: int) -> datetime | None:
    return EPOCH + timedelta(microseconds=us) if us else None


async def _read_hot(stage: Stage) -> tuple[dict[int, dict[str, Shown]], tuple[int, int], list[str]]:
    hot: dict[int, dict[str, Shown]] = {}
    strays: list[str] = []
    async with hot_store(stage) as redis:
        began = await _now_ms(redis)
        keys = sorted([key async for key in redis.scan_iter(match="*", count=2_000)])
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
            pipeline.pexpiretime(key)
        answers = await pipeline.execute(raise_on_error=False) if keys else []
        for key, text, until_ms in zip(keys, answers[::2], answers[1::2], strict=True):
            user, _, name = key.removeprefix("user:{").partition("}:")
            if key.startswith("rebuild:"):
                strays.append(key)
            elif name in HOT_NAMES and text is not None:  # It may have ended since it was found.
                hot.setdefault(int(user), {})[name] = Shown(text, until_ms if until_ms > 0 else None)
        return hot, (began, await _now_ms(redis)), strays


async def _now_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds) * 1_000 + int(micros) // 1_000
