"""What is appended reaches the topic once and in order, and consumers of the topic as if they read the table."""

import asyncio

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.source import TopicSource
from casino_club.infra.db.database import Database
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from tests.builders.kafka import messages, relaying, rows_in
from tests.infra.log.following import Table, append, eventually, following, seen


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table()
    await made.make(database)
    return made


async def test_a_row_comes_through_the_topic(
    database: Database, hot_store: RedisHotStore, kafka: Kafka, table: Table
) -> None:
    ids = await append(database, [1, 2, 3, 1, 2, 3, 4])
    follower = Follower(table.subscription, Stores(database, hot_store), TopicSource(kafka))

    async def has_entered() -> bool:
        return follower.held is not None and follower.held.position.topic is not None

    async def has_all() -> bool:
        return sorted(await seen(database)) == sorted(ids)

    async with relaying(database, kafka), following(follower.follow(asyncio.Event())):
        await eventually(has_entered)
        ids += await append(database, [1, 2, 3, 1, 2, 3, 4])
        await eventually(has_all)
        assert await has_entered()

    assert sorted(row["id"] for row in rows_in(await asyncio.to_thread(messages, kafka))) == ids
