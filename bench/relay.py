"""The log through Kafka: what the relay sends and a consumer reads per second, and how long a row takes to be shown.

The limit is librdkafka itself: the same keys, values and headers, produced and consumed plainly in the same run.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvloop
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from bench._lab import Lab, lab, percentile
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.backends.kafka.record import last_record
from casino_club.infra.backends.kafka.source import TopicSource
from casino_club.infra.db.database import Database
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.lag import lags
from casino_club.infra.log.reader import NOTHING, PAGE_ROWS, Position
from casino_club.infra.log.relay import Relay, Remembered
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.snapshots import Step
from casino_club.infra.log.topics import Part, TopicPosition
from casino_club.infra.log.wake import Bell, Ear
from casino_club.infra.memory import settle_memory
from tests.builders.kafka import a_kafka, messages, running_brokers
from tests.builders.logs import Effects, hot_projection, with_rows

BATCH = 5_000
POLL_SECONDS = 0.1
WARMING_PROBES = 300
"""Brokers that have just been started run slowly what they have not run often."""
REST_SECONDS_MAX = 0.1
"""Rows that come one upon the other wait for the topic's last transaction: that is load, not rest."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=90_000, help="rows that are sent and read")
    parser.add_argument("--probes", type=int, default=300, help="rows that are timed at rest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_brokers(Path(folder), 1) as brokers, lab() as here:
        uvloop.run(_measure(here, a_kafka(brokers, partitions=6), options.rows, options.probes))


async def _measure(here: Lab, kafka: Kafka, rows: int, probes: int) -> None:
    async with (
        Bell(here.database_url) as bell,
        Database(here.database_url, connections_max=8, committed=bell.ring) as database,
        Ear(here.database_url) as ear,
    ):
        for begin in range(0, rows, BATCH):
            await with_rows(database, [1 + number % 50_000 for number in range(begin, begin + BATCH)])
        publisher = Timed(kafka)
        relaying = asyncio.create_task(Relay(database, publisher).follow(ear.event()))
        while await _left(database, rows):  # noqa: ASYNC110 - the relay works
            await asyncio.sleep(POLL_SECONDS)
        sent, sent_cost = rows / publisher.took, publisher.worked / rows * 1e6
        worked = time.process_time()
        read = await _read_all(database, kafka, rows)
        read_cost = (time.process_time() - worked) / rows * 1e6
        found = await asyncio.to_thread(messages, kafka)
        produced, consumed = await asyncio.to_thread(_plainly, kafka, [each for each in found if each.value()])
        print(f"relay: {sent:,.0f} rows/s, {sent / produced:.2f} of plain produce ({produced:,.0f}/s)")
        print(f"consumer: {read:,.0f} rows/s, {read / consumed:.2f} of plain consume ({consumed:,.0f}/s)")
        print(f"processor time per row, in our process: relay {sent_cost:.1f} µs, consumer {read_cost:.1f} µs")
        del found
        took = await _probe(here, database, kafka, ear, probes)
        _report("commit to hot value at rest", took)
        _report("    of which the topic's transaction", publisher.of_one_row[-probes:])
        relaying.cancel()
        with suppress(asyncio.CancelledError):
            await relaying


class Timed(TopicPublisher):
    """Takes the time from when it is ready until the last page that has rows is published."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(kafka)
        self.took = self.worked = 0.0
        self.of_one_row: list[float] = []

    async def begin(self, origin: str) -> Remembered:
        found = await super().begin(origin)
        self._began, self._worked = time.perf_counter(), time.process_time()
        return found

    async def publish(self, rows: Sequence[LogRow], *, begun: Position, after: Position, moves: int) -> None:
        began = time.perf_counter()
        await super().publish(rows, begun=begun, after=after, moves=moves)
        if len(rows) == 1:
            self.of_one_row.append((time.perf_counter() - began) * 1_000)
        if rows:
            self.took, self.worked = time.perf_counter() - self._began, time.process_time() - self._worked


async def _left(database: Database, rows: int) -> int:
    """How many rows the relay has yet to send."""
    async with database.connection() as db:
        return next((lag.rows for lag in await lags(db) if lag.consumer == "relay"), rows)


async def _read_all(database: Database, kafka: Kafka, rows: int) -> float:
    """A consumer's pages from the topic's beginning, decoded and judged, without any effect."""
    record = await asyncio.to_thread(last_record, kafka, kafka.admin())
    assert record is not None
    parts = tuple(Part(0, (Step(NOTHING),)) for _ in record.ends)
    position = Position(topic=TopicPosition(record.topic, record.topic_id, record.life, parts))
    source, left = TopicSource(kafka), rows
    began = time.perf_counter()
    async with database.connection() as db:
        while left > 0:
            page = await source.next_page(db, position, rows_max=PAGE_ROWS)
            left, position = left - len(page.rows), page.after
    await source.close()
    return rows / (time.perf_counter() - began)


def _plainly(kafka: Kafka, found: list[Message]) -> tuple[float, float]:
    """Messages per second that the client produces and consumes when nobody looks at them."""
    given = [(each.value(), each.key(), each.partition() or 0, each.headers() or []) for each in found]
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all", "compression.type": "lz4"})
    begins = [kafka.admin().list_topics(timeout=10).topics[kafka.topic].partitions.keys()]
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "plain", "enable.partition.eof": False})
    ends = [consumer.get_watermark_offsets(TopicPartition(kafka.topic, number))[1] for number in sorted(begins[0])]
    began = time.perf_counter()
    for number, (value, key, partition, headers) in enumerate(given):
        producer.produce(kafka.topic, value, key, partition, headers=headers)
        if number % 1_000 == 0:
            producer.poll(0)
    producer.flush(60)
    produced = len(given) / (time.perf_counter() - began)
    consumer.assign([TopicPartition(kafka.topic, number, offset) for number, offset in enumerate(ends)])
    left, began = len(given), time.perf_counter()
    while left > 0:
        left -= len(consumer.consume(2_000, timeout=0.1))
    consumed = len(given) / (time.perf_counter() - began)
    consumer.close()
    return produced, consumed


def _report(what: str, took: Sequence[float]) -> None:
    print(f"{what}: p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms", flush=True)


async def _probe(here: Lab, database: Database, kafka: Kafka, ear: Ear, probes: int) -> list[float]:
    """Milliseconds from a commit until Redis shows what follows from it."""
    took, rng = list[float](), random.Random()
    settle_memory()  # As the processes do that relay and consume.
    async with RedisHotStore(here.redis_url) as hot:
        follower = Follower(hot_projection(Effects()), Stores(database, hot), TopicSource(kafka))
        following = asyncio.create_task(follower.follow(ear.event()))
        while follower.held is None or follower.held.position.topic is None:  # noqa: ASYNC110 - it enters
            await asyncio.sleep(0.05)
        for number in range(-WARMING_PROBES, probes):
            await asyncio.sleep(rng.random() * REST_SECONDS_MAX)
            [row_id] = await with_rows(database, [70_000 + number])
            began = time.perf_counter()
            while (await hot.read(70_000 + number, ["seen"]))["seen"] != str(row_id):  # noqa: ASYNC110 - asked from outside
                await asyncio.sleep(0.001)
            if number >= 0:
                took.append((time.perf_counter() - began) * 1_000)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    return took


if __name__ == "__main__":
    main()
