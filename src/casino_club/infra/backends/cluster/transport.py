"""How the log reaches consumers: through the topic of Kafka that the settings name."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from casino_club.infra.log.relay import Publisher
from casino_club.infra.log.sources import OpenSource
from casino_club.infra.ports import TopicCounter, TopicFacts, Unusable
from casino_club.infra.settings import Settings

if TYPE_CHECKING:
    from casino_club.infra.backends.kafka.client import Kafka

_BROKER = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):[1-9]\d{0,4}")
_OURS = {"bootstrap.servers", "transactional.id", "isolation.level", "enable.auto.commit", "acks", "group.id"}


def has_topic(settings: Settings) -> bool:  # noqa: ARG001 - the same door as embedded
    """Yes, so a relay has to run."""
    return True


def source(settings: Settings) -> OpenSource:
    from casino_club.infra.backends.kafka.source import TopicSource  # noqa: PLC0415 - embedded processes do without the client, here and below

    return partial(TopicSource, _kafka(settings))


def publisher(settings: Settings) -> Publisher:
    from casino_club.infra.backends.kafka.publisher import TopicPublisher  # noqa: PLC0415 - as above

    return TopicPublisher(_kafka(settings))


async def topic_facts(settings: Settings) -> TopicFacts | None:
    from casino_club.infra.backends.kafka.facts import topic_facts as facts  # noqa: PLC0415 - as above

    return await facts(_kafka(settings))


def counter(settings: Settings) -> TopicCounter | None:
    from casino_club.infra.backends.kafka.counter import TopicRowCounter  # noqa: PLC0415 - as above

    return TopicRowCounter(_kafka(settings))


def _kafka(settings: Settings) -> "Kafka":
    from casino_club.infra.backends.kafka.client import Kafka  # noqa: PLC0415 - as above

    return Kafka(
        _bootstrap(settings),
        settings.kafka_topic,
        settings.kafka_partitions,
        settings.kafka_copies,
        settings.kafka_retention_days,
        _properties(settings.kafka_properties),
    )


def _bootstrap(settings: Settings) -> str:
    assert settings.kafka_url is not None
    brokers = [broker.strip() for broker in settings.kafka_url.removeprefix("kafka://").split(",")]
    if not all(_BROKER.fullmatch(broker) for broker in brokers):
        raise Unusable("CASINO_CLUB_KAFKA_URL names no brokers to use; write host:9092, or several with commas.")
    return ",".join(brokers)


def _properties(file: Path | None) -> dict[str, str]:
    """What the file says, a `name = value` a line. Values may be secrets and are never shown."""
    if file is None:
        return {}
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        raise Unusable(f"CASINO_CLUB_KAFKA_PROPERTIES: {file} can't be read.") from error
    found = {}
    for number, line in enumerate(lines, 1):
        name, separator, value = (part.strip() for part in line.partition("="))
        if not name or name.startswith("#"):
            continue
        if not separator or name in _OURS:
            what = "is ours to set" if separator else "lacks its ="
            raise Unusable(f"CASINO_CLUB_KAFKA_PROPERTIES: line {number} of {file} {what}.")
        found[name] = value
    return found
