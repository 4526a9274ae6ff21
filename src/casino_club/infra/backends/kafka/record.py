"""The relay's position as Kafka keeps it: a record in a topic of its own, written with the messages it speaks of.

All of this blocks.
"""

import time

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from casino_club.infra.backends.kafka.client import ASK_SECONDS_MAX, END_REACHED, TIMED_OUT, Kafka
from casino_club.infra.backends.kafka.topics import beginnings, described, ends
from casino_club.infra.log.reader import Position

KEY = b"position"
LOOK_BACK = 32
LOOK_BACK_GROWTH = 16


class Record(msgspec.Struct, frozen=True):
    """How far the relay has sent the log, to which topic, and where that topic ended at least.

    `moves` is how often the relay's position in the database had moved, for good, before this was sent. A database that
    knows of fewer is an earlier one, whatever it is called.
    """

    origin: str
    life: str
    topic: str
    topic_id: str
    ends: list[int]
    position: Position
    moves: int = 0


def last_record(kafka: Kafka, admin: AdminClient) -> Record | None:
    """The last one that was committed; None if there is none."""
    if described(admin, kafka.relay_topic) is None:
        return None
    [low], [end] = beginnings(admin, kafka.relay_topic, 1), ends(admin, kafka.relay_topic, 1)
    consumer = kafka.consumer()
    try:
        back = LOOK_BACK
        while True:
            begin = max(low, end - back)
            values = _values(consumer, TopicPartition(kafka.relay_topic, 0, begin), end)
            if values:
                return msgspec.json.decode(values[-1], type=Record)
            if begin == low:
                return None
            back *= LOOK_BACK_GROWTH
    finally:
        consumer.close()


def _values(consumer: Consumer, begin: TopicPartition, end: int) -> list[bytes]:
    """Records of the relay between two offsets. Those of transactions that were given up do not show."""
    found: list[bytes] = []
    consumer.assign([begin])
    deadline = time.monotonic() + ASK_SECONDS_MAX
    while begin.offset < end:
        message = consumer.poll(0.2)
        if message is None:
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(TIMED_OUT, "the relay's position can't be read"))
            continue
        error = message.error()
        if error is not None and error.code() == END_REACHED:
            break
        if error is not None:
            raise KafkaException(error)
        value, offset = message.value(), message.offset()
        if value is not None and message.key() == KEY:
            found.append(value)
        if offset is not None and offset + 1 >= end:
            break
    return found
