"""Consumers apply each row once, whatever the topic does: repeats itself, loses its memory, goes away, comes anew."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaException, Message

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.messages import page_headers, row_headers, value_of
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.backends.kafka.record import last_record
from casino_club.infra.db.database import Database
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.reader import Position, next_page
from casino_club.infra.log.relay import NothingSent, new_topic
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.sources import TableSource
from tests.builders.kafka import a_kafka, is_in_sync, messages, relaying, rows_in, running_brokers, topic_source
from tests.infra.log.following import Table, append, eventually, following, seen

USERS = [1, 2, 3, 4, 5, 6, 7] * 3
LONG_SECONDS_MAX = 90.0
RECOVERY_SECONDS_MAX = 60.0
BROKERS = (1, 2, 3)


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table()
    await made.make(database)
    return made


class Scene:
    """A log, a consumer of the topic, and the ids that it must have applied."""

    def __init__(self, database: Database, hot: RedisHotStore, kafka: Kafka, table: Table) -> None:
        self.database, self.kafka, self.ids = database, kafka, list[int]()
        self._table, self._stores = table, Stores(database, hot)
        self.follower = self.a_follower()

    def a_follower(self) -> Follower:
        return Follower(self._table.subscription, self._stores, topic_source(self.kafka)(), page_rows=7)

    async def append(self) -> None:
        self.ids += await append(self.database, USERS)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        async with following(self.follower.follow(asyncio.Event())):
            yield

    async def has_entered(self) -> bool:
        held = self.follower.held
        return held is not None and held.position.topic is not None and held.position.delivering is None

    @property
    def life(self) -> str | None:
        held = self.follower.held
        return held.position.topic.life if held and held.position.topic else None

    async def has_all(self) -> bool:
        return sorted(await seen(self.database)) == self.ids

    async def settles(self) -> None:
        """Every row is applied, once."""
        await eventually(self.has_all, seconds_max=LONG_SECONDS_MAX)
        assert len(await seen(self.database)) == len(self.ids)


@pytest.fixture
def scene(database: Database, hot_store: RedisHotStore, kafka: Kafka, table: Table) -> Scene:
    return Scene(database, hot_store, kafka, table)


def sent_again(kafka: Kafka, found: list[Message], *, times: int, commits: bool = True) -> None:
    """The same messages once more, as a relay would whose memory is lost; or given up, as one that dies."""
    producer = kafka.producer(transactional_id=f"{kafka.topic}.again")
    producer.init_transactions(30)
    for _ in range(times):
        producer.begin_transaction()
        for message in found:
            producer.produce(
                kafka.topic, message.value(), message.key(), message.partition() or 0, headers=message.headers() or []
            )
        if commits:
            producer.commit_transaction()
        else:
            producer.flush()
            producer.abort_transaction()
    producer.close()


async def test_every_message_delivered_again_in_bursts_is_applied_once(scene: Scene) -> None:
    async with relaying(scene.database, scene.kafka, page_rows=5), scene.followed():
        await eventually(scene.has_entered)
        for burst in range(1, 4):
            await scene.append()
            await scene.settles()
            found = await asyncio.to_thread(messages, scene.kafka)
            await asyncio.to_thread(sent_again, scene.kafka, found, times=burst)
            await asyncio.to_thread(sent_again, scene.kafka, found[::2], times=1)
        await scene.append()
        await scene.settles()
        assert await scene.has_entered()


async def test_a_consumer_that_starts_behind_a_burst_applies_each_row_once(scene: Scene) -> None:
    async with relaying(scene.database, scene.kafka, page_rows=5):
        async with scene.followed():
            await eventually(scene.has_entered)
            await scene.append()
            await scene.settles()
        await scene.append()
        await eventually(lambda: holds(scene.kafka, len(scene.ids)))
        found = await asyncio.to_thread(messages, scene.kafka)
        await asyncio.to_thread(sent_again, scene.kafka, found, times=2)
        await asyncio.to_thread(sent_again, scene.kafka, found[::-1], times=1)
        scene.follower = scene.a_follower()
        async with scene.followed():
            await scene.settles()


async def holds(kafka: Kafka, rows: int) -> bool:
    try:
        found = await asyncio.to_thread(messages, kafka)
    except KafkaException:  # a leader is being elected
        return False
    return sum(message.value() is not None for message in found) >= rows


async def test_rows_of_transactions_that_were_given_up_are_never_seen(scene: Scene) -> None:
    async with relaying(scene.database, scene.kafka), scene.followed():
        await eventually(scene.has_entered)
        await scene.append()
        await scene.settles()
        async with scene.database.connection() as db:
            page = await next_page(db, Position(), rows_max=1)
        life = scene.life
        assert life is not None
        await asyncio.to_thread(send_and_give_up, scene.kafka, page.rows[0], life)
        await scene.append()
        await scene.settles()


def send_and_give_up(kafka: Kafka, row: LogRow, life: str) -> None:
    """A row that never was, in the newest clothes."""
    never = msgspec.structs.replace(row, id=10**12, xact=900_000_000)
    producer = kafka.producer(transactional_id=f"{kafka.topic}.never")
    producer.init_transactions(30)
    producer.begin_transaction()
    headers = row_headers(page_headers(life, "900000000:900000000:", "900000001:900000001:"), never)
    producer.produce(kafka.topic, value_of(never), b"1", 1, headers=headers)
    producer.flush()
    producer.abort_transaction()
    producer.close()


@pytest.mark.parametrize("lost", ["topic", "memory", "both"])
async def test_a_topic_or_a_memory_that_is_lost_is_noticed_and_the_log_is_sent_again(
    scene: Scene, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with scene.followed():
        async with relaying(scene.database, scene.kafka, page_rows=5):
            await eventually(scene.has_entered)
            await scene.append()
            await scene.settles()
        first_life = scene.life
        gone = {"topic": [scene.kafka.topic], "memory": [scene.kafka.relay_topic]}
        await asyncio.to_thread(delete, scene.kafka, gone.get(lost) or [*gone["topic"], *gone["memory"]])
        await scene.append()
        async with relaying(scene.database, scene.kafka, page_rows=5):
            await scene.append()
            await scene.settles()
            await eventually(lambda: has_entered_again(scene, first_life), seconds_max=LONG_SECONDS_MAX)
            await scene.append()
            await scene.settles()
            await eventually(lambda: holds(scene.kafka, len(scene.ids)))

    assert "sending the log again from its beginning" in caplog.text
    assert "leaving the topic for the table" in caplog.text


async def has_entered_again(scene: Scene, former: str | None) -> bool:
    return await scene.has_entered() and scene.life != former


def delete(kafka: Kafka, topics: list[str]) -> None:
    admin = kafka.admin()  # Its answers end with it.
    for future in admin.delete_topics(topics, operation_timeout=20).values():
        future.result()


async def test_a_consumer_goes_over_from_the_table_and_back_in_the_middle_of_a_pass(scene: Scene) -> None:
    async with relaying(scene.database, scene.kafka, page_rows=5):
        for _ in range(3):
            await scene.append()
            scene.follower = replace(scene.a_follower(), source=TableSource())
            async with scene.database.connection() as db:
                page = await scene.follower.read(db)
                await scene.follower.deliver(page)
            assert len(await seen(scene.database)) < len(scene.ids)

            scene.follower = scene.a_follower()
            async with scene.followed():
                await scene.settles()
                await eventually(scene.has_entered)
                await scene.append()
                await scene.settles()


async def test_a_new_topic_with_more_partitions_is_crossed_with_each_row_applied_once(scene: Scene) -> None:
    async with relaying(scene.database, scene.kafka, page_rows=5), scene.followed():
        for number, partitions in ((2, 5), (3, 2)):
            await eventually(scene.has_entered)
            await scene.append()
            name = await new_topic(scene.database, TopicPublisher(scene.kafka), partitions=partitions)
            await scene.append()
            await scene.settles()
            assert name == f"{scene.kafka.topic}.g{number}"
            await eventually(partial(follows, scene, name), seconds_max=LONG_SECONDS_MAX)
            await scene.append()
            await scene.settles()

    names = [scene.kafka.topic, f"{scene.kafka.topic}.g2", f"{scene.kafka.topic}.g3"]
    held = [await asyncio.to_thread(messages, scene.kafka, name) for name in names]
    assert sorted(row["id"] for found in held for row in rows_in(found)) == scene.ids
    for found, (name, partitions) in zip(held, ((names[1], 3), (names[2], 5)), strict=False):
        lasts = {message.partition(): message for message in found}
        assert [dict(last.headers() or [])["next"] for last in lasts.values()] == [name.encode()] * partitions
    assert all(rows_in(found) for found in held)


async def follows(scene: Scene, name: str) -> bool:
    held = scene.follower.held
    return held is not None and held.position.topic is not None and held.position.topic.topic == name


async def test_there_is_no_new_topic_before_anything_was_sent(database: Database, kafka: Kafka) -> None:
    with pytest.raises(NothingSent, match="start `casino-club relay` first"):
        await new_topic(database, TopicPublisher(kafka), partitions=5)


@pytest.mark.timeout(240)
async def test_brokers_that_are_away_are_waited_out(
    database: Database, hot_store: RedisHotStore, table: Table, tmp_path: Path
) -> None:
    with running_brokers(tmp_path, 1) as brokers:
        scene = Scene(database, hot_store, a_kafka(brokers), table)
        async with relaying(database, scene.kafka, page_rows=5), scene.followed():
            await eventually(scene.has_entered)
            await scene.append()
            await scene.settles()

            brokers.kill(1)
            await scene.append()
            await asyncio.to_thread(brokers.start_again)
            await scene.append()
            await scene.settles()
            await eventually(lambda: holds(scene.kafka, len(scene.ids)), seconds_max=LONG_SECONDS_MAX)


@pytest.mark.timeout(300)
async def test_one_broker_of_three_may_be_lost(
    database: Database, hot_store: RedisHotStore, table: Table, tmp_path: Path
) -> None:
    took = dict[int, float]()
    with running_brokers(tmp_path, len(BROKERS)) as brokers:
        scene = Scene(database, hot_store, a_kafka(brokers), table)
        async with relaying(database, scene.kafka, page_rows=5), scene.followed():
            await eventually(scene.has_entered, seconds_max=LONG_SECONDS_MAX)
            life = scene.life
            for node in BROKERS:
                began = time.monotonic()
                brokers.kill(node)
                await scene.append()
                await scene.settles()
                await eventually(lambda: holds(scene.kafka, len(scene.ids)), seconds_max=LONG_SECONDS_MAX)
                took[node] = time.monotonic() - began
                await asyncio.to_thread(brokers.start_again)
                await eventually(partial(are_in_sync, scene.kafka), seconds_max=LONG_SECONDS_MAX)
            record = await asyncio.to_thread(last_record, scene.kafka, scene.kafka.admin())
            assert record is not None
            assert record.life == life
    assert max(took.values()) < RECOVERY_SECONDS_MAX, took


async def are_in_sync(kafka: Kafka) -> bool:
    return await asyncio.to_thread(is_in_sync, kafka, len(BROKERS))
