"""A relay that dies at a named point: `python -m tests.cluster.armed POINT PASSES`, its servers in the environment."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.db.database import Database
from casino_club.infra.log.relay import Relay
from casino_club.infra.log.rows import LogRow

PAGE_ROWS = 5


class Point(StrEnum):
    """Between which two steps the relay dies."""

    SENT = "rows sent, position not"
    NOT_COMMITTED = "position sent, transaction open"
    COMMITTED = "committed, not yet acknowledged to us"


class ArmedPublisher(TopicPublisher):
    """Dies at its point, once it has passed it often enough with rows at hand."""

    def __init__(self, kafka: Kafka, point: Point, passes: int) -> None:
        super().__init__(kafka)
        self._point, self._left, self._has_rows = point, passes, False

    def _reach(self, point: Point) -> None:
        if point is not self._point or not self._has_rows:
            return
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _send_record(self, producer: Any, *args: Any) -> None:
        producer.flush()
        self._reach(Point.SENT)
        super()._send_record(producer, *args)
        producer.flush()
        self._reach(Point.NOT_COMMITTED)

    def _publish(self, rows: Sequence[LogRow], *args: Any) -> None:
        self._has_rows = bool(rows)
        super()._publish(rows, *args)
        self._reach(Point.COMMITTED)


async def main(point: str, passes: str) -> None:
    kafka = Kafka(os.environ["BROKERS"], os.environ["TOPIC"], 3, None, 7)
    async with Database(os.environ["DATABASE"], connections_max=3) as database:
        publisher = ArmedPublisher(kafka, Point[point], int(passes))
        await Relay(database, publisher, page_rows=PAGE_ROWS).follow(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
