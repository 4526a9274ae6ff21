"""The relay's end of the topic: each page is one transaction, which holds the relay's position as well."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from casino_club.infra.backends.kafka.client import TRANSACTION_SECONDS_MAX, Apart, Kafka, error_of
from casino_club.infra.backends.kafka.messages import key_of, mark_headers, page_headers, row_headers, value_of
from casino_club.infra.backends.kafka.record import KEY, Record, last_record
from casino_club.infra.backends.kafka.topics import Described, described, ends, made, made_for_relay, newest, next_name
from casino_club.infra.log.reader import NOTHING, Position
from casino_club.infra.log.relay import NothingSent, PageNotPublished, PublisherAway, Remembered
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.topics import partition_of

MARK_SECONDS = 5.0
FLUSH_SECONDS = 0.2
TAKE_OVER_ATTEMPTS_MAX = 10

T = TypeVar("T")


class Shorter(Exception):
    """The topic has lost messages that it had."""


class TopicPublisher:
    """One producer from `begin` to `close`. Its place in the topic is what the last record says."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._apart = Apart()
        self._producer: Producer | None = None
        self._origin = self._life = ""
        self._moves = 0
        self._topic = Described("", "", 0, 0, 0)
        self._ends: list[int] = []
        self._marked_at = 0.0
        self._end: KafkaError | None = None

    async def begin(self, origin: str) -> Remembered:
        return await self._apart.run(_heard, self._begin, origin)

    async def begin_life(self) -> None:
        await self._apart.run(_heard, self._begin_life)

    async def publish(self, rows: Sequence[LogRow], *, begun: Position, after: Position, moves: int) -> None:
        await self._apart.run(_heard, self._publish, rows, begun, after, moves)

    async def take_over(self, origin: str, *, partitions: int) -> str:
        return await self._apart.run(_heard, self._take_over, origin, partitions)

    async def close(self) -> None:
        await self._apart.run(self._close)

    def _begin(self, origin: str) -> Remembered:
        self._close()
        admin = self._kafka.admin()
        made_for_relay(self._kafka, admin)
        self._end = None
        self._producer = self._kafka.producer(failed=self._failed)
        self._producer.init_transactions(TRANSACTION_SECONDS_MAX)
        record = last_record(self._kafka, admin)
        why = _why_unreliable(admin, record, origin)
        self._origin, self._marked_at = origin, 0.0
        name = record.topic if record else newest(admin, self._kafka.topic)
        self._topic = made(self._kafka, admin, name, len(record.ends) if record else self._kafka.partitions)
        if record is not None and not why:
            self._life, self._ends, self._moves = record.life, list(record.ends), record.moves
            return Remembered(record.position, moves=record.moves)
        self._begin_life()
        return Remembered(None, why)

    def _begin_life(self) -> None:
        self._life = uuid.uuid4().hex
        self._ends = ends(self._kafka.admin(), self._topic.topic, self._topic.partitions)

    def _take_over(self, origin: str, partitions: int) -> str:
        remembered, admin = self._begin(origin), self._kafka.admin()
        if remembered.position is None:
            raise NothingSent(f"No topic can be taken over ({remembered.why_none}); start `casino-club relay` first.")
        new = made(self._kafka, admin, next_name(admin, self._kafka.topic), partitions)
        for attempt in range(TAKE_OVER_ATTEMPTS_MAX):
            try:
                remembered = self._begin(origin)
                assert remembered.position is not None
                self._go_over(new, remembered.position)
            except KafkaException:  # The relay, which we ended, has begun again and ended us.
                if attempt == TAKE_OVER_ATTEMPTS_MAX - 1:
                    raise
            else:
                break
        return new.topic

    def _go_over(self, new: Described, position: Position) -> None:
        """The last message of each partition names the new topic, and the relay's position lies there from then on."""
        producer = self._producer
        assert producer is not None
        producer.begin_transaction()
        headers = mark_headers(self._life, position.delivered, next_topic=new.topic)
        for number in range(self._topic.partitions):
            producer.produce(self._topic.topic, None, None, number, headers=headers)
        self._topic, self._ends = new, [0] * new.partitions
        self._send_record(producer, position)
        self._flush(producer)
        producer.commit_transaction()

    def _publish(self, rows: Sequence[LogRow], begun: Position, after: Position, moves: int) -> None:
        producer, self._moves = self._producer, moves
        assert producer is not None
        producer.begin_transaction()
        try:
            self._send_rows(producer, rows, begun, after)
            if after.delivering is None and time.monotonic() - self._marked_at > MARK_SECONDS:
                self._send_marks(producer, after)
            self._send_record(producer, after)
            self._flush(producer)
            producer.commit_transaction()
        except KafkaException as fault:
            if not error_of(fault).txn_requires_abort():
                raise
            producer.abort_transaction()
            raise PageNotPublished(str(error_of(fault))) from fault

    def _send_rows(self, producer: Producer, rows: Sequence[LogRow], begun: Position, after: Position) -> None:
        # What is carried over from another cluster has numbers that no snapshot of this one judges.
        is_carried = begun.carry_to is not None
        delivered = NOTHING if is_carried else begun.delivered
        delivering = NOTHING if is_carried else after.delivering or after.delivered
        shared = page_headers(self._life, delivered, delivering)
        topic, partitions = self._topic.topic, self._topic.partitions
        last_ids = {partition_of(row.user_id, partitions): row.id for row in rows}
        for row in rows:
            partition = partition_of(row.user_id, partitions)
            noted = self._noted if last_ids[partition] == row.id else None
            producer.produce(topic, value_of(row), key_of(row), partition, noted, headers=row_headers(shared, row))

    def _send_marks(self, producer: Producer, after: Position) -> None:
        """Partitions of users who did nothing would else say nothing of how far they have come."""
        headers = mark_headers(self._life, after.delivered)
        for number in range(self._topic.partitions):
            producer.produce(self._topic.topic, None, None, number, self._noted, headers=headers)
        self._marked_at = time.monotonic()

    def _send_record(self, producer: Producer, after: Position) -> None:
        record = Record(
            self._origin, self._life, self._topic.topic, self._topic.topic_id, self._ends, after, self._moves
        )
        producer.produce(self._kafka.relay_topic, msgspec.json.encode(record), KEY, 0)

    def _noted(self, fault: KafkaError | None, message: Message) -> None:
        """Remember where the partition ends now; the next record says so."""
        if fault is None:
            number, offset = message.partition(), message.offset()
            assert number is not None
            assert offset is not None
            if offset < self._ends[number]:
                raise Shorter(f"partition {number} ends at {offset} and did so at {self._ends[number]}")
            self._ends[number] = offset + 1

    def _flush(self, producer: Producer) -> None:
        """Wait until all is written. One that was ended by another would wait for as long as a transaction may take."""
        deadline = time.monotonic() + TRANSACTION_SECONDS_MAX
        while producer.flush(FLUSH_SECONDS):
            if self._end is not None:
                raise KafkaException(self._end)
            if time.monotonic() > deadline:
                raise PublisherAway("Kafka has not taken the page in time")

    def _failed(self, fault: KafkaError) -> None:
        if fault.fatal():
            self._end = fault

    def _close(self) -> None:
        """Without a word: what is under way is given up when the next producer begins."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None


def _heard(call: Callable[..., T], *args: object) -> T:
    try:
        return call(*args)
    except (KafkaException, Shorter) as fault:
        raise PublisherAway(str(error_of(fault)) if isinstance(fault, KafkaException) else str(fault)) from fault


def _why_unreliable(admin: AdminClient, record: Record | None, origin: str) -> str:
    """Why the log has to be sent again from its beginning, if it has to."""
    if record is None:
        return "Kafka holds no position of the relay's"
    if record.origin != origin:
        return "the database is another one, or was restored, since it was sent"
    topic = described(admin, record.topic)
    if topic is None:
        return f"topic {record.topic} is gone"
    if topic.topic_id != record.topic_id:
        return f"topic {record.topic} was deleted and made again"
    if any(there < sent for there, sent in zip(ends(admin, topic.topic, topic.partitions), record.ends, strict=True)):
        return f"topic {record.topic} has lost messages at its end"
    return ""
