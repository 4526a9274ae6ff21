"""Counts the messages of the topic by minute, as any service that reads it could: the relay has no part in it."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from casino_club.infra.backends.kafka.client import ASK_SECONDS_MAX, END_REACHED, TIMED_OUT, Apart, Kafka, error_of
from casino_club.infra.backends.kafka.record import Record, last_record
from casino_club.infra.backends.kafka.topics import beginnings, described, ends
from casino_club.infra.ports import TopicAway

MESSAGES_AT_ONCE = 10_000
READ_SECONDS_MAX = 60.0
MINUTES_KEPT_MAX = 10_000


class Stored(msgspec.Struct, frozen=True, gc=False):
    """All that is wanted of a message."""

    appended_at: datetime


_decode = msgspec.json.Decoder(Stored).decode


class TopicRowCounter:
    """Reads each message once and remembers how many there were of each minute; after a restart it reads again."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._apart = Apart()
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None
        self._record: Record | None = None
        self._since = datetime.max.replace(tzinfo=UTC)
        self._next: list[int] = []
        self._rows: Counter[datetime] = Counter()

    async def count(self, minutes: Mapping[datetime, datetime]) -> Mapping[datetime, int]:
        """See TopicCounter."""
        try:
            return await self._apart.run(self._count, minutes)
        except KafkaException as fault:
            self._record = None
            raise TopicAway(f"Kafka does not answer ({error_of(fault).str()})") from fault

    def _count(self, minutes: Mapping[datetime, datetime]) -> Mapping[datetime, int]:
        admin = self._admin = self._admin or self._kafka.admin()
        record, since = last_record(self._kafka, admin), min(minutes.values())
        topic = described(admin, record.topic) if record else None
        if record is None or topic is None:
            return {}
        consumer = self._consumer = self._consumer or self._kafka.consumer()
        if self._is_anew(record) or since < self._since or len(self._rows) > MINUTES_KEPT_MAX:
            self._rows.clear()
            self._since = since
            self._next = _offsets_at(consumer, admin, record.topic, topic.partitions, since)
            self._go_on(consumer, record)
        elif self._record is None or self._record.topic_id != record.topic_id:
            self._next = beginnings(admin, record.topic, topic.partitions)
            self._go_on(consumer, record)
        self._read_to(ends(admin, record.topic, topic.partitions), consumer, record.life.encode())
        return {minute: self._rows[minute] for minute in minutes}

    def _is_anew(self, record: Record) -> bool:
        """Whether the log is being sent again from its beginning. A topic that merely goes on elsewhere is the same."""
        return self._record is None or self._record.life != record.life

    def _go_on(self, consumer: Consumer, record: Record) -> None:
        consumer.assign([TopicPartition(record.topic, number, offset) for number, offset in enumerate(self._next)])
        self._record = record

    def _read_to(self, high: Sequence[int], consumer: Consumer, life: bytes) -> None:
        deadline = time.monotonic() + READ_SECONDS_MAX
        while any(at < end for at, end in zip(self._next, high, strict=True)):
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(TIMED_OUT, "the topic can't be read to its end"))
            for message in consumer.consume(MESSAGES_AT_ONCE, timeout=0.5):
                self._take(message, life)

    def _take(self, message: Message, life: bytes) -> None:
        number, offset, error = message.partition(), message.offset(), message.error()
        if error is not None and error.code() != END_REACHED:
            raise KafkaException(error)
        assert number is not None
        assert offset is not None
        self._next[number] = offset if error else offset + 1
        value = message.value()
        if error is None and value is not None and ("life", life) in (message.headers() or ()):
            self._rows[_decode(value).appended_at.replace(second=0, microsecond=0)] += 1


def _offsets_at(consumer: Consumer, admin: AdminClient, topic: str, partitions: int, since: datetime) -> list[int]:
    """Where the messages begin that were sent from this instant on."""
    wanted = [TopicPartition(topic, number, int(since.timestamp() * 1_000)) for number in range(partitions)]
    found = consumer.offsets_for_times(wanted, timeout=ASK_SECONDS_MAX)
    for at in found:
        if at.error is not None:
            raise KafkaException(at.error)
    high = ends(admin, topic, partitions)
    return [at.offset if at.offset >= 0 else high[at.partition] for at in found]
