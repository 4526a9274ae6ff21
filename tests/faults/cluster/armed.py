"""Relay and consumer with a fuse, or with a fault: `python -m tests.faults.cluster.armed relay|consumer [WRONG]`.

The product's own code, given a producer and a warehouse that look for the fuse at the chosen points.
"""

import asyncio
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import uvloop
from confluent_kafka import Producer

from casino_club.entry.cli.reading import data_dir_of, read_settings
from casino_club.entry.consumer import follow_all
from casino_club.entry.wiring import open_platform
from casino_club.infra import runtime
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.log.reader import Position
from casino_club.infra.log.relay import Publisher, Relay, Remembered
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.wake import Ear
from casino_club.infra.ports import Block
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from casino_club.infra.warehouse.warehouse import Warehouse
from tests.faults.cluster.points import Point, Wrong
from tests.faults.points import Fuse

ON_THEIR_WAY_SECONDS = (0.0, 0.002, 0.005, 0.01, 0.02)
LATE_SECONDS = 0.3


class ArmedProducer:
    """Reaches the points around the end of a transaction that holds rows."""

    def __init__(self, producer: Producer, relay_topic: str, fuse: Fuse) -> None:
        self._producer, self._relay_topic, self._fuse = producer, relay_topic, fuse
        self._has_rows = False

    def begin_transaction(self) -> None:
        self._has_rows = False
        self._producer.begin_transaction()

    def produce(self, topic: str, value: bytes | None, *args: Any, **options: Any) -> None:
        self._has_rows |= topic != self._relay_topic and value is not None
        self._producer.produce(topic, value, *args, **options)

    def commit_transaction(self) -> None:
        if self._has_rows:
            self._producer.flush()
            self._fuse.reach(Point.SENT)
        self._producer.commit_transaction()
        if self._has_rows:
            self._fuse.reach(Point.PUBLISHED)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)


class ArmedPublisher(TopicPublisher):
    """The relay's end of the topic, with the fuse in its producer."""

    def __init__(self, plain: TopicPublisher, fuse: Fuse) -> None:
        super().__init__(plain._kafka)
        self._fuse = fuse

    def _begin(self, origin: str) -> Remembered:
        remembered = super()._begin(origin)
        assert self._producer is not None
        armed = ArmedProducer(self._producer, self._kafka.relay_topic, self._fuse)
        self._producer = cast("Producer", armed)
        return remembered


class HastyPublisher(ArmedPublisher):
    """Says how far it has come before it sends what lies before."""

    def _publish(self, rows: Sequence[LogRow], begun: Position, after: Position, moves: int) -> None:
        if rows:
            super()._publish((), begun, after, moves)
            self._fuse.reach(Wrong.HASTY_RELAY)
        super()._publish(rows, begun, after, moves)


class ArmedWarehouse(ClickHouseWarehouse):
    """Reaches the points of an insert."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        inserting = asyncio.create_task(super().insert(table, block, database=database, token=token))
        await asyncio.wait([inserting], timeout=random.choice(ON_THEIR_WAY_SECONDS))
        self._fuse.reach(Point.INSERTING)
        await inserting
        self._fuse.reach(Point.INSERTED)


class HastyWarehouse(ArmedWarehouse):
    """Answers before anything is inserted, so that the position moves first."""

    _late: asyncio.Task[None] | None = None

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        if self._late is not None:
            await self._late
        self._late = asyncio.create_task(self._insert_late(table, block, database=database, token=token))

    async def _insert_late(self, table: str, block: Block, *, database: str, token: str) -> None:
        await asyncio.sleep(LATE_SECONDS)
        self._fuse.reach(Wrong.HASTY_CONSUMER)
        await super().insert(table, block, database=database, token=token)


class ForgetfulWarehouse(ArmedWarehouse):
    """Knows no page again."""

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        await super().insert(table, block, database=database, token=uuid4().hex)


PUBLISHERS = {"": ArmedPublisher, Wrong.HASTY_RELAY.name: HastyPublisher}
WAREHOUSES = {
    "": ArmedWarehouse,
    Wrong.HASTY_CONSUMER.name: HastyWarehouse,
    Wrong.FORGETFUL_CONSUMER.name: ForgetfulWarehouse,
}


async def _relay(settings: Settings, wrong: str) -> None:
    url, publisher = runtime.database_url(settings), runtime.publisher(settings)
    assert isinstance(publisher, TopicPublisher)
    armed: Publisher = PUBLISHERS[wrong](publisher, Fuse(data_dir_of(settings)))
    async with Database(url, connections_max=3) as database, Ear(url) as ear:
        await _until_stopped(asyncio.create_task(Relay(database, armed).follow(ear.event())))


async def _consume(settings: Settings, wrong: str) -> None:
    url = runtime.warehouse_url(settings)
    assert url is not None
    async with open_platform(settings) as platform, WAREHOUSES[wrong](url, Fuse(data_dir_of(settings))) as store:
        armed = replace(platform, warehouse=Warehouse(platform.database, store))
        await _until_stopped(asyncio.create_task(follow_all(armed)))


async def _until_stopped(following: "asyncio.Task[None]") -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, following.cancel)
    await asyncio.wait([following])
    if not following.cancelled():
        following.result()


if __name__ == "__main__":
    chosen = read_settings()
    configure_logging(chosen.log_level)
    uvloop.run({"relay": _relay, "consumer": _consume}[sys.argv[1]](chosen, sys.argv[2] if sys.argv[2:] else ""))
