"""What Kafka holds is counted from its messages: one that is missing or there twice keeps its minute open."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from casino_club.features.operations import rules
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.commands.places import Places, places_of
from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.counter import TopicRowCounter
from casino_club.infra.backends.kafka.record import last_record
from casino_club.infra.db.database import Database
from casino_club.infra.log.lag import lags
from tests.builders.actions import a_log
from tests.builders.kafka import messages, relaying
from tests.features.operations.test_conservation import send, taken, views
from tests.infra.log.following import eventually


@pytest.fixture
async def begun(database: Database) -> Database:
    await a_log(database).make_room()
    await database.run(conservation.begin)
    return database


@pytest.fixture
async def relayed(begun: Database, kafka: Kafka) -> AsyncIterator[Database]:
    async with relaying(begun, kafka):
        yield begun


@pytest.fixture
def minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=3)


async def sent(database: Database, minute: datetime, users: Sequence[int]) -> None:
    """Stored and published."""
    await send(database, views(users), at=minute + timedelta(seconds=5))

    async def is_published() -> bool:
        async with database.connection() as db:
            return [each.rows for each in await lags(db) if each.consumer == "relay"] == [0]

    await eventually(is_published)


async def stock(database: Database, places: Places) -> list[Minute]:
    """Kafka may take a moment to show what was committed."""
    for _ in range(20):
        minutes = await taken(database, places, now=datetime.now(UTC))
        if not any(rules.lags(each, now=datetime.now(UTC)) for each in minutes):
            break
    return minutes


def publish_again(kafka: Kafka, user_id: int) -> None:
    """As a relay would that forgets what it has sent."""
    record = last_record(kafka, kafka.admin())
    assert record is not None
    [found] = [each for each in messages(kafka) if each.value() and each.key() == b"%d" % user_id]
    producer = kafka.producer(transactional_id=f"{kafka.topic}.again")
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(record.topic, found.value(), found.key(), found.partition() or 0, headers=found.headers())
    producer.commit_transaction(10)


@pytest.mark.timeout(120)
async def test_a_minute_closes_once_the_topic_holds_its_rows_and_counts_go_on_after_a_restart(
    relayed: Database, kafka: Kafka, minute: datetime
) -> None:
    counter = TopicRowCounter(kafka)
    await sent(relayed, minute, range(1, 41))
    [first] = await stock(relayed, places_of(None, counter))

    await sent(relayed, minute, range(1, 8))
    await sent(relayed, minute + timedelta(minutes=1), [5])
    second = await stock(relayed, places_of(None, counter))
    await sent(relayed, minute, [9])
    third = await stock(relayed, places_of(None, TopicRowCounter(kafka)))

    assert (first.stored, first.elsewhere, first.closed_at is None) == (40, {Side.KAFKA: 40}, False)
    assert [each.elsewhere for each in second] == [{Side.KAFKA: 47}, {Side.KAFKA: 1}]
    assert [each.elsewhere for each in third] == [{Side.KAFKA: 48}, {Side.KAFKA: 1}]
    assert all(each.closed_at for each in (*second, *third))


@pytest.mark.timeout(120)
async def test_a_row_that_the_relay_did_not_send_is_missed(begun: Database, kafka: Kafka, minute: datetime) -> None:
    async with relaying(begun, kafka):
        await sent(begun, minute, [1, 2, 3])
    await send(begun, views([4]), at=minute + timedelta(seconds=9))

    [found] = await stock(begun, places_of(None, TopicRowCounter(kafka)))

    assert found.closed_at is None
    assert rules.lags(found, now=datetime.now(UTC)) == {Side.KAFKA: 1}
    assert rules.differences(found, now=datetime.now(UTC) + timedelta(minutes=9)) == {Side.KAFKA: -1}


@pytest.mark.timeout(120)
async def test_a_message_that_is_there_twice_is_noticed(relayed: Database, kafka: Kafka, minute: datetime) -> None:
    await sent(relayed, minute, [1, 2, 3])
    await asyncio.to_thread(publish_again, kafka, 2)

    [found] = await stock(relayed, places_of(None, TopicRowCounter(kafka)))

    assert (found.closed_at, rules.differences(found, now=datetime.now(UTC))) == (None, {Side.KAFKA: 1})


@pytest.mark.timeout(120)
async def test_messages_of_transactions_that_were_given_up_do_not_count(
    relayed: Database, kafka: Kafka, minute: datetime
) -> None:
    await sent(relayed, minute, [1, 2, 3])
    record = last_record(kafka, kafka.admin())
    assert record is not None
    found = messages(kafka)
    producer = kafka.producer(transactional_id=f"{kafka.topic}.given-up")
    await asyncio.to_thread(producer.init_transactions, 10)
    producer.begin_transaction()
    for each in found:
        producer.produce(record.topic, each.value(), each.key(), each.partition() or 0, headers=each.headers())
    await asyncio.to_thread(producer.flush, 10)
    await asyncio.to_thread(producer.abort_transaction, 10)

    [minute_found] = await stock(relayed, places_of(None, TopicRowCounter(kafka)))

    assert (minute_found.elsewhere, minute_found.closed_at is None) == ({Side.KAFKA: 3}, False)
