"""How Kafka is reached. Its client blocks, so each user of it has one thread of its own."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

logger = logging.getLogger(__name__)

T = TypeVar("T")

ASK_SECONDS_MAX = 10.0
FETCH_BYTES_MAX = 16 * 1024 * 1024
TRANSACTION_SECONDS_MAX = 30

END_REACHED = KafkaError._PARTITION_EOF  # noqa: SLF001 - the client's names for what it says itself, here and below
TIMED_OUT = KafkaError._TIMED_OUT  # noqa: SLF001 - as above
OUT_OF_REACH = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - as above
        KafkaError._LOG_TRUNCATION,  # noqa: SLF001 - as above
    }
)
"""The topic is there no more, or no longer holds the offset that was asked for."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """The brokers, the topic, and how the topic is made if there is none."""

    bootstrap: str
    topic: str
    partitions: int
    copies: int | None
    retention_days: int
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the operator hands on to the client: how it proves who it is, above all."""

    @property
    def relay_topic(self) -> str:
        """Where the relay keeps its position."""
        return f"{self.topic}.relay"

    def consumer(self) -> Consumer:
        """Reads what is committed, from where it is told, and says when it has come to the end."""
        return Consumer(
            {
                **self._shared(),
                "group.id": self.topic,  # The client wants one; nothing is kept under it.
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "queued.max.messages.kbytes": FETCH_BYTES_MAX // 1024,
                "fetch.max.bytes": FETCH_BYTES_MAX,
                "fetch.queue.backoff.ms": 10,  # It looks again so soon whether there is room for more.
            },
            logger=logger,
        )

    def producer(
        self, *, transactional_id: str = "", failed: Callable[[KafkaError], None] = lambda _: None
    ) -> Producer:
        """Writes in transactions. A second one of its name, by default the relay's, makes this one useless.

        `failed` is told what goes wrong beside the calls that one makes.
        """
        return Producer(
            {
                **self._shared(),
                "transactional.id": transactional_id or self.relay_topic,
                "transaction.timeout.ms": TRANSACTION_SECONDS_MAX * 1_000,
                "acks": "all",
                "compression.type": "lz4",
                "error_cb": failed,
            },
            logger=logger,
        )

    def admin(self) -> AdminClient:
        return AdminClient(self._shared(), logger=logger)

    def _shared(self) -> dict[str, Any]:
        return {
            "client.id": "casino-club",
            "reconnect.backoff.max.ms": 1_000,
            "socket.connection.setup.timeout.ms": 5_000,
            "log.connection.close": False,
            "allow.auto.create.topics": False,
            **self.properties,
            "bootstrap.servers": self.bootstrap,
        }


class Apart:
    """Runs what blocks in one thread, call after call. One that nobody awaits any more is run all the same."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)


def error_of(exception: KafkaException) -> KafkaError:
    """What Kafka, or its client, says is wrong."""
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error
