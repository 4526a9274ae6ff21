"""The consumers' end of the topic. History is read from the table, and so is whatever the topic can't be trusted for.

A reader enters the topic where it ended before a pass over the table began: what lies before that, the pass has shown
it. From then on the topic brings the rows, and the steps of each partition tell which of them are new.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from casino_club.infra.backends.kafka.client import END_REACHED, OUT_OF_REACH, Apart, Kafka, error_of
from casino_club.infra.backends.kafka.messages import NotOurs
from casino_club.infra.backends.kafka.page import Lost, page_of
from casino_club.infra.backends.kafka.record import Record, last_record
from casino_club.infra.backends.kafka.topics import beginnings, described, ends, holds
from casino_club.infra.db.database import Db
from casino_club.infra.log import positions
from casino_club.infra.log.reader import Page, Position, put_on_disk
from casino_club.infra.log.relay import NAME as RELAY
from casino_club.infra.log.snapshots import Step
from casino_club.infra.log.sources import SourceAway, TableSource
from casino_club.infra.log.topics import Part, TopicPosition

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.25
ENTRY_SECONDS = 1.0


class TopicSource:
    """One follower's way through the topic."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._table = TableSource()
        self._apart = Apart()
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None
        self._next: list[int] = []
        self._finding: asyncio.Task[TopicPosition | None] | None = None
        self._entry: TopicPosition | None = None
        self._found_at = 0.0
        self._is_in_topic = False

    async def next_page(self, db: Db, position: Position, *, rows_max: int) -> Page:
        """Of the table until the topic can be entered, and again when the topic has been left."""
        topic = position.topic
        self._is_in_topic = topic is not None and position.delivering is None and position.carry_to is None
        if topic is not None and self._is_in_topic:
            try:
                if self._consumer is None:
                    await self._check_past(db, topic)
                return await self._apart.run(self._from_topic, position, topic, rows_max)
            except (Lost, NotOurs) as why:
                logger.warning("leaving the topic for the table", extra={"topic": topic.topic, "reason": str(why)})
                self._is_in_topic = False
            except KafkaException as fault:
                raise SourceAway(str(error_of(fault))) from fault
        return await self._from_table(db, position, rows_max)

    async def _check_past(self, db: Db, topic: TopicPosition) -> None:
        """A database that was set back knows nothing of the last messages. Raises Lost.

        Whoever sets it back cuts our connection, so that it is enough to look before the first message.
        """
        record = await self._apart.run(self._last_record)
        if record is None or record.life != topic.life:
            raise Lost("the log is being sent again from its beginning")
        if await positions.moves_of(db, RELAY) < record.moves:
            raise Lost("the database was set back to an earlier moment")

    def _last_record(self) -> Record | None:
        admin = self._admin = self._admin or self._kafka.admin()
        return last_record(self._kafka, admin)

    async def rest(self, woken: asyncio.Event) -> None:
        """The topic itself makes us wait for its messages."""
        if not self._is_in_topic:
            await self._table.rest(woken)

    async def close(self) -> None:
        if self._finding is not None:
            self._finding.cancel()
        self._finding = self._entry = None
        await self._apart.run(self._close)

    def _close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None

    async def _from_table(self, db: Db, position: Position, rows_max: int) -> Page:
        if position.delivering is None and position.carry_to is None:
            self._entry = self._found_entry()
        page = await self._table.next_page(db, position, rows_max=rows_max)
        if self._entry is None or page.after.delivering is not None or page.after.carry_to is not None:
            return page
        await put_on_disk(db)
        entered = _entered(self._entry, page.after)
        self._entry = None
        logger.info("entering the topic", extra={"topic": entered.topic, "life": entered.life})
        return replace(page, after=replace(page.after, topic=entered))

    def _found_entry(self) -> TopicPosition | None:
        """What was found before the pass that begins now. Looking goes on beside: the table does not wait for Kafka."""
        if self._finding is None:
            if time.monotonic() - self._found_at > ENTRY_SECONDS:
                self._finding = asyncio.create_task(self._apart.run(self._find_entry))
            return None
        if not self._finding.done():
            return None
        found, self._finding, self._found_at = self._finding.result(), None, time.monotonic()
        return found

    def _find_entry(self) -> TopicPosition | None:
        """Where the topic ends now; None while there is none to enter."""
        try:
            record = self._last_record()
            admin = self._admin = self._admin or self._kafka.admin()
            topic = described(admin, record.topic) if record else None
            if record is None or topic is None or topic.topic_id != record.topic_id:
                return None
            parts = tuple(Part(offset, ()) for offset in ends(admin, topic.topic, topic.partitions))
        except KafkaException as fault:
            logger.warning("reading the table, since Kafka is away", extra={"reason": str(error_of(fault))})
            return None
        return TopicPosition(topic.topic, topic.topic_id, record.life, parts)

    def _from_topic(self, position: Position, topic: TopicPosition, rows_max: int) -> Page:
        if self._consumer is None or self._next != [part.offset for part in topic.parts]:
            self._consumer = self._at(topic)
        messages = _polled(self._consumer, rows_max)
        page = page_of(messages, position, topic)
        assert page.after.topic is not None
        self._next = [part.offset for part in page.after.topic.parts]
        return page

    def _at(self, topic: TopicPosition) -> Consumer:
        """A consumer that goes on where this position is. Raises Lost if the topic does not reach that far."""
        admin = self._admin = self._admin or self._kafka.admin()
        found = described(admin, topic.topic)
        if found is None or found.topic_id != topic.topic_id:
            raise Lost("it was deleted" if found is None else "it was deleted and made again")
        offsets = [part.offset for part in topic.parts]
        low, high = (which(admin, topic.topic, len(offsets)) for which in (beginnings, ends))
        if not holds(low, high, offsets):
            raise Lost(f"we are at {offsets}, and it holds {low} to {high}")
        consumer = self._consumer or self._kafka.consumer()
        consumer.assign([TopicPartition(topic.topic, number, offset) for number, offset in enumerate(offsets)])
        return consumer


def _entered(entry: TopicPosition, after: Position) -> TopicPosition:
    parts = tuple(Part(part.offset, (Step(after.delivered),)) for part in entry.parts)
    return TopicPosition(entry.topic, entry.topic_id, entry.life, parts)


def _polled(consumer: Consumer, rows_max: int) -> Sequence[Message]:
    """Messages and ends of partitions, as many as there are just now; waits for the first."""
    first = consumer.poll(WAIT_SECONDS)
    if first is None:
        return ()
    messages = [first, *consumer.consume(rows_max - 1, timeout=0)] if rows_max > 1 else [first]
    for message in messages:
        error = message.error()
        if error is None or error.code() == END_REACHED:
            continue
        if error.code() in OUT_OF_REACH:
            raise Lost(error.str())
        raise KafkaException(error)
    return messages
