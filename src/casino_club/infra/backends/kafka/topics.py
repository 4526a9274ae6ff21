"""Topics: whether they are there, how they were made, and where they end. Blocks."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from casino_club.infra.backends.kafka.client import ASK_SECONDS_MAX, Kafka, error_of

COPIES = 3
DAY_MS = 86_400_000
LEADER_POLL_SECONDS = 0.1
MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID)


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as the brokers know it. The id is another one for each time that a topic of this name was made."""

    topic: str
    topic_id: str
    partitions: int
    copies: int
    in_sync: int
    """Of the partition that has the fewest."""


def described(admin: AdminClient, topic: str) -> Described | None:
    """The topic, or None if there is none of this name."""
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=ASK_SECONDS_MAX)
    try:
        found = asked[topic].result()
    except KafkaException as fault:
        if error_of(fault).code() in MISSING:
            return None
        raise
    return Described(
        topic,
        str(found.topic_id),
        len(found.partitions),
        min(len(each.replicas) for each in found.partitions),
        min(len(each.isr) for each in found.partitions),
    )


def made(kafka: Kafka, admin: AdminClient, topic: str, partitions: int) -> Described:
    """The topic that carries the log, made now if need be."""
    settings = {"retention.ms": str(kafka.retention_days * DAY_MS), "cleanup.policy": "delete"}
    return _made(kafka, admin, topic, partitions, settings)


def made_for_relay(kafka: Kafka, admin: AdminClient) -> Described:
    """The topic of the relay's position: of all its records the last one counts."""
    settings = {"cleanup.policy": "compact", "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.1"}
    return _made(kafka, admin, kafka.relay_topic, 1, settings)


def _made(kafka: Kafka, admin: AdminClient, topic: str, partitions: int, settings: Mapping[str, str]) -> Described:
    if found := described(admin, topic):
        return found
    copies = kafka.copies or min(COPIES, len(admin.list_topics(timeout=ASK_SECONDS_MAX).brokers))
    shared = {
        "min.insync.replicas": "2" if copies >= COPIES else "1",
        # Else Kafka refuses what a relay sends whose clock is ahead, and forgets early what one sends that is behind.
        "message.timestamp.type": "LogAppendTime",
    }
    new = NewTopic(topic, num_partitions=partitions, replication_factor=copies, config={**settings, **shared})
    try:
        admin.create_topics([new], operation_timeout=ASK_SECONDS_MAX)[topic].result()
    except KafkaException as fault:
        if error_of(fault).code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return _led(admin, topic)


def _led(admin: AdminClient, topic: str) -> Described:
    """A topic that was just made, once every partition of it has found its leader."""
    deadline = time.monotonic() + ASK_SECONDS_MAX
    while True:
        try:
            if found := described(admin, topic):
                ends(admin, topic, found.partitions)
                return found
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"{topic} was made and is not there yet"))
        time.sleep(LEADER_POLL_SECONDS)


def newest(admin: AdminClient, topic: str) -> str:
    """Of this topic and those that took over from it, `topic.g2` and so on, the last one that is there."""
    there = admin.list_topics(timeout=ASK_SECONDS_MAX).topics
    return max((topic, *there), key=partial(_place, topic))


def next_name(admin: AdminClient, topic: str) -> str:
    """The name of the one that takes over next."""
    return f"{topic}.g{max(1, _place(topic, newest(admin, topic))) + 1}"


def _place(topic: str, name: str) -> int:
    """1 for the topic itself, 2 for the first that took over from it; 0 for strangers."""
    if name == topic:
        return 1
    prefix, _, number = name.rpartition(".g")
    return int(number) if prefix == topic and number.isdigit() else 0


def ends(admin: AdminClient, topic: str, partitions: int) -> list[int]:
    """Where each partition ends for who reads what is committed."""
    return _offsets(admin, topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # the client types it partly


def beginnings(admin: AdminClient, topic: str, partitions: int) -> list[int]:
    """The first offset of each partition that is still there."""
    return _offsets(admin, topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # as above


def _offsets(admin: AdminClient, topic: str, partitions: int, which: OffsetSpec) -> list[int]:
    wanted = {TopicPartition(topic, number): which for number in range(partitions)}
    asked = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ASK_SECONDS_MAX)
    found = {each.partition: future.result().offset for each, future in asked.items()}
    if min(found.values()) < 0:
        # While a leader is being elected, the client may answer without a fault and without an offset.
        raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, f"{topic} can't tell where it ends just now"))
    return [found[number] for number in range(partitions)]


def holds(low: Sequence[int], high: Sequence[int], offsets: Sequence[int]) -> bool:
    """Whether every offset lies between the partition's beginning and its end."""
    return all(first <= at <= last for first, at, last in zip(low, offsets, high, strict=True))
