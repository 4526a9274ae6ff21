"""A real Kafka for tests, started by the script that people use, with a topic of its own for whoever asks."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.backends.kafka.source import TopicSource
from casino_club.infra.backends.kafka.topics import beginnings, described, ends
from casino_club.infra.db.database import Database
from casino_club.infra.log.relay import Publisher, Relay
from casino_club.infra.log.sources import OpenSource

SCRIPT = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka"
SCRIPT_SECONDS_MAX = 300
READ_SECONDS_MAX = 30.0

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Brokers:
    """One broker, or three, below a folder."""

    folder: Path
    url: str

    def pid(self, node: int) -> int:
        return int((self.folder / f"node-{node}" / "pid").read_text())

    def kill(self, *nodes: int) -> None:
        """End these as a power cut would."""
        for node in nodes:
            os.kill(self.pid(node), signal.SIGKILL)

    def pause(self, *nodes: int) -> None:
        """Let them answer nothing until they go on."""
        for node in nodes:
            os.kill(self.pid(node), signal.SIGSTOP)

    def go_on(self, *nodes: int) -> None:
        for node in nodes:
            os.kill(self.pid(node), signal.SIGCONT)

    def start_again(self) -> None:
        """Start those that do not run, and wait until all answer."""
        script("start", "--dir", str(self.folder))


def script(*words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """`deploy/kafka/kafka`, to its end."""
    command = [sys.executable, str(SCRIPT), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SCRIPT_SECONDS_MAX, check=False)
    assert not check or done.returncode == 0, f"{words} ended with status {done.returncode}: {done.stderr}"
    return done


@contextmanager
def running_brokers(folder: Path, number: int) -> Iterator[Brokers]:
    """Brokers on free ports, ended after use."""
    try:
        said = script("start", "--dir", str(folder), "--brokers", str(number), "--port", "0")
        yield Brokers(folder, said.stdout.strip())
    finally:
        for node in folder.glob("node-*/pid"):
            with suppress(ProcessLookupError):
                os.kill(int(node.read_text()), signal.SIGKILL)


def a_kafka(brokers: Brokers, *, partitions: int = 3) -> Kafka:
    """The brokers, and a topic that nobody has used yet."""
    return Kafka(brokers.url, f"actions-{os.getpid()}-{next(_numbers)}", partitions, None, 7)


def topic_source(kafka: Kafka) -> OpenSource:
    """Makes sources that read the topic."""
    return partial(TopicSource, kafka)


@asynccontextmanager
async def relaying(
    database: Database, kafka: Kafka, *, publisher: Publisher | None = None, page_rows: int = 100
) -> AsyncIterator["asyncio.Task[None]"]:
    """A relay that runs as long as the block lasts; what ends it early fails the block."""
    relay = Relay(database, publisher or TopicPublisher(kafka), page_rows=page_rows)
    task = asyncio.create_task(relay.follow(asyncio.Event()))
    try:
        yield task
        if task.done() and not task.cancelled():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def messages(kafka: Kafka, topic: str | None = None) -> list[Message]:
    """All that the topic holds for who reads what is committed, partition after partition."""
    name, admin, consumer = topic or kafka.topic, kafka.admin(), kafka.consumer()
    found = described(admin, name)
    if found is None:
        return []
    low, high = (which(admin, name, found.partitions) for which in (beginnings, ends))
    consumer.assign([TopicPartition(name, number, offset) for number, offset in enumerate(low)])
    read: dict[int, list[Message]] = {number: [] for number in range(found.partitions)}
    open_ = {number for number in read if low[number] < high[number]}
    deadline = time.monotonic() + READ_SECONDS_MAX
    while open_:
        assert time.monotonic() < deadline, f"{name} could not be read to its end"
        for message in consumer.consume(500, timeout=0.2):
            number, error = message.partition(), message.error()
            assert number is not None
            if error is None:
                read[number].append(message)
                if (message.offset() or 0) >= high[number] - 1:  # Where more comes all the time, there is no end.
                    open_.discard(number)
            elif error.code() == KafkaError._PARTITION_EOF:
                open_.discard(number)
            else:
                raise AssertionError(error)
    consumer.close()
    return [message for number in sorted(read) for message in read[number]]


def is_in_sync(kafka: Kafka, copies: int) -> bool:
    """Whether so many brokers hold all that the topic should hold."""
    found = described(kafka.admin(), kafka.topic)
    return found is not None and found.in_sync == copies


def rows_in(found: list[Message]) -> list[dict[str, Any]]:
    """The rows among these messages; marks of the relay have none."""
    return [json.loads(value) for message in found if (value := message.value()) is not None]
