"""What the doctor wants to know of Kafka."""

import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from casino_club.infra.backends.kafka.client import ASK_SECONDS_MAX, Apart, Kafka, error_of
from casino_club.infra.backends.kafka.record import last_record
from casino_club.infra.backends.kafka.topics import DAY_MS, Described, described
from casino_club.infra.ports import TopicFacts, Unusable

ANSWER_SECONDS_MAX = 3.0
_MEND = "start it, or check CASINO_CLUB_KAFKA_URL and CASINO_CLUB_KAFKA_PROPERTIES"


async def topic_facts(kafka: Kafka) -> TopicFacts:
    """Raises Unusable if no broker answers."""
    try:
        return await Apart().run(_facts, kafka)
    except KafkaException as fault:
        raise Unusable(f"Kafka does not answer ({error_of(fault).str()}); {_MEND}.") from fault


def _facts(kafka: Kafka) -> TopicFacts:
    try:
        admin = kafka.admin()
    except KafkaException as fault:
        raise Unusable(
            f"Kafka's client can't be made of CASINO_CLUB_KAFKA_PROPERTIES: {error_of(fault).str()}."
        ) from fault
    began = time.perf_counter()
    brokers = len(admin.list_topics(timeout=ANSWER_SECONDS_MAX).brokers)
    seconds = time.perf_counter() - began
    record = last_record(kafka, admin)
    topic = described(admin, record.topic if record else kafka.topic)
    in_sync_min, retention_days = _settings(admin, topic) if topic else (0, None)
    return TopicFacts(
        seconds,
        brokers,
        record.topic if record else kafka.topic,
        topic.partitions if topic else 0,
        topic.copies if topic else 0,
        topic.in_sync if topic else 0,
        in_sync_min,
        retention_days,
        _why_no_transactions(kafka),
    )


def _settings(admin: AdminClient, topic: Described) -> tuple[int, float | None]:
    """How many copies must have a message, and for how many days it stays; None for ever."""
    resource = ConfigResource(ResourceType.TOPIC, topic.topic)
    found = admin.describe_configs([resource], request_timeout=ASK_SECONDS_MAX)[resource].result()
    kept_ms = int(found["retention.ms"].value)
    return int(found["min.insync.replicas"].value), None if kept_ms < 0 else kept_ms / DAY_MS


def _why_no_transactions(kafka: Kafka) -> str | None:
    """None if they work, tried under a name that stands in nobody's way."""
    producer = kafka.producer(transactional_id=f"{kafka.topic}.doctor")
    try:
        producer.init_transactions(ASK_SECONDS_MAX)
    except KafkaException as fault:
        return error_of(fault).str()
    finally:
        producer.close()
    return None
