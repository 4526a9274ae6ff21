"""Following the log into a warehouse, and what its tables must hold: worked out from the rows in plain Python."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.effects import Stores, WarehouseHome
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.rows import SELECTED, LogRow, rows_of
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import ReadLimits, WarehouseStore
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.hashes import FIRST_USER, LAST_USER, Hash
from casino_club.infra.warehouse.warehouse import Query, Warehouse
from tests.builders.actions import NOON, a_log, a_policy, a_row, record
from tests.builders.jobs import NOWHERE

SEOUL = ZoneInfo("Asia/Seoul")
NONE = datetime(1970, 1, 1, tzinfo=UTC)


HASHES = Query("casino_club.features.actions", "hashes.sql", Hash)
ALL_USERS = {"first_user_id": FIRST_USER, "last_user_id": LAST_USER}


@dataclass(frozen=True)
class Place:
    """A log and the warehouse that it goes to."""

    database: Database
    store: WarehouseStore
    zone: str = SEOUL.key

    @property
    def stores(self) -> Stores:
        return Stores(self.database, RedisHotStore(NOWHERE), {}, warehouse=WarehouseHome(self.store, self.zone))

    def follower(self, *, page_rows: int = 100, subscription: Subscription = projection) -> Follower:
        return Follower(subscription, self.stores, page_rows=page_rows)

    async def catch_up(self, follower: Follower | None = None) -> None:
        """Follow the log to its end."""
        followed = follower or self.follower()
        async with self.database.connection() as db:
            try:
                await followed.deliver_detached(db)
                await _follow_to_end(followed, db)
            finally:
                await followed.ahead.forget()

    async def hashes(self) -> Sequence[Hash]:
        return (await Warehouse(self.database, self.store).read(HASHES, ALL_USERS)).rows

    async def rows(self, sql: str) -> list[Any]:
        """What a statement gives on the live generation."""
        async with self.database.connection() as db:
            generation = await generations.find(db, projection.name)
        assert generation is not None
        found = await self.store.read(
            sql,
            {},
            database=generation.database(self.store.database),
            result_format="JSONCompactEachRow",
            limits=ReadLimits(),
        )
        return msgspec.json.Decoder(list[Any]).decode_lines(found)

    async def logged(self) -> Sequence[LogRow]:
        """The whole log, also what a dump has brought, whose transactions this cluster knows nothing of."""
        async with self.database.connection() as db:
            return await rows_of(db, f"SELECT {SELECTED} FROM user_actions")


async def _follow_to_end(followed: Follower, db: Db) -> None:
    is_at_end = False
    while not is_at_end:
        assert followed.held is not None
        is_at_end = followed.held.position.delivering is None
        page = await followed.read(db)
        if page.rows:
            is_at_end = False
            followed.ahead.begin(db, page)
            await followed.deliver(page)


async def write_history(database: Database, rng: random.Random, *, rows: int = 600, now: datetime = NOON) -> None:
    """Actions of many types, some in rounds, some days late."""
    made = []
    for _ in range(rows):
        at = now - timedelta(seconds=rng.choice((0, 5, 3_600, rng.randint(0, 80 * 86_400))))
        made.append(a_row(rng.randint(1, 40), at=at, **rng.choice(KINDS)(rng)))
    for start in range(0, rows, 50):
        await record(a_log(database), made[start : start + 50], now=now, policy=a_policy())


def _spin(rng: random.Random) -> dict[str, Any]:
    won = rng.choice((0, 0, 250))
    metadata = {"result": "x", "currency": rng.choice(("COIN", "CYBER_TOKEN")), "staked": 100, "won": won}
    return {"metadata": {**metadata, "round_id": str(_round(rng))}}


def _spend(rng: random.Random) -> dict[str, Any]:
    metadata: dict[str, Any] = {"spent_tokens": rng.randint(1, 10**9)}
    if rng.random() < 0.5:
        metadata["round_id"] = str(_round(rng))
    return {"action_type": "SPEND_CYBER_TOKENS", "metadata": metadata}


def _round(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


KINDS = (
    _spin,
    _spend,
    lambda rng: {"action_type": "PURCHASE", "metadata": {"amount": rng.randint(0, 2**53 - 1)}},
    lambda rng: {"action_type": "EARN_CYBER_TOKENS", "metadata": {"earned_tokens": 7, "source": "partner"}},
    lambda rng: {"action_type": "LEVEL_UP", "metadata": {"level": 3}, "value": rng.randint(-5, 5)},
    lambda rng: {"action_type": "VIEW_CONTENT", "metadata": {"note": "한국어 \"'\\\n" * rng.randint(0, 40)}},
)


def user_days(rows: Sequence[LogRow]) -> list[list[Any]]:
    """By user, day and type: rows, by the user, of those in a round; spent, earned, amount, staked, won; last time."""
    found: dict[tuple[int, str, str], list[Any]] = {}
    for row in rows:
        metadata = msgspec.json.decode(row.metadata)
        day = row.action_timestamp.astimezone(SEOUL).date().isoformat()
        figures = found.setdefault((row.user_id, day, row.action_type), [0] * 9 + [NONE])
        figures[0] += 1
        figures[1] += row.by_user
        figures[2] += row.by_user and row.round_id is not None
        figures[3] += row.value or 0
        for place, name in enumerate(("spent_tokens", "earned_tokens", "amount", "staked", "won"), 4):
            figures[place] += metadata.get(name, 0)
        figures[9] = max(figures[9], row.action_timestamp)
    return [[*key, *figures[:9], iso(figures[9])] for key, figures in sorted(found.items())]


USER_DAYS = """
    SELECT user_id, toString(day), action_type, sum(actions), sum(by_user), sum(in_round), sum(value),
           sum(spent_tokens), sum(earned_tokens), sum(amount), sum(staked), sum(won), max(last_at)
    FROM user_days GROUP BY user_id, day, action_type ORDER BY user_id, day, action_type"""


def users(rows: Sequence[LogRow]) -> list[list[Any]]:
    """By user: first, last, and last time by the user, and the standing after the last row."""
    found: dict[int, list[Any]] = {}
    for row in rows:
        first, last, by_user, _ = found.get(row.user_id, [row.action_timestamp, NONE, NONE, None])
        at = row.action_timestamp
        standing = {name: getattr(row, name) for name in ("id", "streak", "day_plays")}
        standing |= {"last_play_at": iso(row.last_play_at or NONE), "last_action_at": iso(row.last_action_at)}
        found[row.user_id] = [min(first, at), max(last, at), max(by_user, at) if row.by_user else by_user, standing]
    return [[user, *map(iso, times), standing] for user, (*times, standing) in sorted(found.items())]


USERS = """
    SELECT user_id, min(first_at), max(last_at), max(last_by_user_at), max(standing)
    FROM users GROUP BY user_id ORDER BY user_id"""


def iso(at: datetime) -> str:
    """An instant as the warehouse writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
