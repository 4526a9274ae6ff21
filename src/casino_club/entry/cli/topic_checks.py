"""The doctor's checks of Kafka, where a topic carries the log."""

from collections.abc import Callable

from casino_club.entry.cli.findings import Finding, Gathered, failure, ok, warning
from casino_club.entry.cli.printing import several
from casino_club.infra.ports import TopicFacts

COPIES_MIN, IN_SYNC_MIN, DAYS_MIN = 3, 2, 1.0


def kafka_answers(given: Gathered) -> Finding | None:
    if given.topic is None:
        return None
    if isinstance(given.topic, str):
        found, _, mend = given.topic.rpartition("; ")
        return failure("Kafka", found or mend, mend)
    brokers = several(given.topic.brokers, "broker", "brokers")
    return ok("Kafka", f"{brokers}, asked and answered in {given.topic.answer_seconds * 1000:.2f} ms")


def kafka_transacts(given: Gathered) -> Finding | None:
    if not isinstance(given.topic, TopicFacts):
        return None
    if why := given.topic.why_no_transactions:
        mend = (
            "let our account use transactional ids that begin with the topic's name, and see the brokers' logs; "
            "if their clocks were wrong, start all brokers again"
        )
        return failure("Transactions of Kafka", why, mend)
    return ok("Transactions of Kafka", "can be begun")


def topic_keeps_all(given: Gathered) -> Finding | None:
    if not isinstance(given.topic, TopicFacts):
        return None
    topic = given.topic
    if not topic.partitions:
        return failure("Topic", f"there is no {topic.topic}", "start `casino-club relay`, or `up`, which makes it")
    found = f"{topic.topic}: {several(topic.partitions, 'partition', 'partitions')}, {topic.copies} of each"
    if topic.in_sync < topic.copies:
        return warning("Topic", f"{found}, {topic.in_sync} of them current", "see that every broker runs")
    if topic.copies < COPIES_MIN or topic.in_sync_min < IN_SYNC_MIN:
        mend = f"have {COPIES_MIN} copies, and min.insync.replicas {IN_SYNC_MIN}: then one broker may be lost"
        return warning("Topic", f"{found}, {topic.in_sync_min} of them needed", mend)
    return ok("Topic", f"{found}, {topic.in_sync_min} of them needed")


def topic_stays(given: Gathered) -> Finding | None:
    if not isinstance(given.topic, TopicFacts) or not given.topic.partitions:
        return None
    days = given.topic.retention_days
    if days is not None and days < DAYS_MIN:
        mend = "raise retention.ms of the topic: other services that are down for longer miss what happened"
        return warning("Topic's memory", f"{days:.2g} days", mend)
    return ok("Topic's memory", "for ever" if days is None else f"{days:.3g} days")


CHECKS: tuple[Callable[[Gathered], Finding | None], ...] = (
    kafka_answers,
    kafka_transacts,
    topic_keeps_all,
    topic_stays,
)
