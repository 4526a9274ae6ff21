"""What the topic carries names people by number alone: nothing else of the erased was ever in it."""

import asyncio
import io
from pathlib import Path

from confluent_kafka import KafkaException, Message

from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.db.database import Database
from tests.builders.kafka import messages, relaying, rows_in
from tests.features.privacy.lives import live
from tests.features.privacy.offices import open_bureau
from tests.features.privacy.searching import Canaries
from tests.infra.log.following import eventually


def in_messages(found: list[Message], canaries: Canaries) -> list[str]:
    """Keys, values and headers."""
    return [hit for message in found for hit in canaries.in_(_bytes(message))]


def _bytes(message: Message) -> bytes:
    headers = [part for header in message.headers() or () for part in header]
    parts = [message.key(), message.value(), *headers]
    return b"\x1f".join(part.encode() if isinstance(part, str) else part for part in parts if part is not None)


async def is_told(kafka: Kafka, user_id: int) -> bool:
    """Whether the last that the topic holds of a user is that they were erased."""
    try:
        found = rows_in(await asyncio.to_thread(messages, kafka))
    except KafkaException:  # a leader is being elected
        return False
    return [row["action_type"] for row in found if row["user_id"] == user_id][-1:] == ["USER_ERASED"]


async def test_the_topic_holds_nothing_of_the_erased(
    database: Database, database_url: str, redis_url: str, kafka: Kafka, tmp_path: Path
) -> None:
    async with open_bureau(database, database_url, redis_url, tmp_path) as bureau, relaying(database, kafka):
        trace = await live(bureau, io.StringIO())
        await bureau.run_job()
        # What is committed shows a moment after the relay was told that it is.
        await eventually(lambda: is_told(kafka, trace.person.user_id), seconds_max=60)

    of_log = await asyncio.to_thread(messages, kafka)
    of_relay = await asyncio.to_thread(messages, kafka, kafka.relay_topic)
    assert in_messages(of_log, Canaries(frozenset({"user_erased"})))
    assert of_relay
    assert in_messages([*of_log, *of_relay], trace.canaries) == []
