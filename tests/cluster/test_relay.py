"""The topic holds every row once and in order per user, whatever becomes of relays."""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.db.database import Database
from casino_club.infra.log.lag import lags
from casino_club.infra.log.reader import Position
from casino_club.infra.log.relay import NAME, PublisherAway
from tests.builders.kafka import messages, relaying, rows_in
from tests.cluster.armed import Point
from tests.infra.log.following import append, eventually

KILLS = int(os.environ.get("CASINO_CLUB_TEST_KILLS", "2"))
USERS = [1, 2, 3, 4, 5, 6, 7] * 4
DEATH_SECONDS_MAX = 60.0


async def relay_until_dead(url: str, kafka: Kafka, point: Point, passes: int) -> None:
    """A relay in a process of its own, to its violent end."""
    servers = {"BROKERS": kafka.bootstrap, "TOPIC": kafka.topic, "DATABASE": url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.cluster.armed", point.name, str(passes)),
        cwd=Path(__file__).parents[2],
        env={**os.environ, **servers},
    )
    try:
        assert await asyncio.wait_for(process.wait(), DEATH_SECONDS_MAX) == -9
    finally:
        if process.returncode is None:
            process.kill()


async def is_sent(database: Database) -> bool:
    """Whether the relay has nothing left to send."""
    async with database.connection() as db:
        return [lag.rows for lag in await lags(db) if lag.consumer == NAME] == [0]


async def committed(kafka: Kafka) -> list[Message]:
    return await asyncio.to_thread(messages, kafka)


async def assert_holds_once_and_in_order(kafka: Kafka, ids: list[int]) -> None:
    rows = rows_in(await committed(kafka))
    assert sorted(row["id"] for row in rows) == ids
    for user in set(USERS):
        of_user = [row["id"] for row in rows if row["user_id"] == user]
        assert of_user == sorted(of_user)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", Point)
async def test_a_relay_killed_at_a_named_point_loses_and_doubles_nothing(
    database: Database, database_url: str, kafka: Kafka, point: Point
) -> None:
    ids: list[int] = []
    for kill in range(KILLS):
        ids += await append(database, USERS)
        await relay_until_dead(database_url, kafka, point, passes=kill % 4)

    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database), seconds_max=60)
    await assert_holds_once_and_in_order(kafka, ids)


async def test_of_two_relays_that_both_believe_they_lead_the_newer_is_heard(database: Database, kafka: Kafka) -> None:
    ids = await append(database, USERS)
    stranger = TopicPublisher(kafka)
    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database))
        async with database.connection() as db:
            system, floor = await db.fetchrow("SELECT system_identifier, floor_id FROM log_origin") or ("", 0)
        remembered = await stranger.begin(f"{system}/{floor}" if system else "")
        assert remembered.position is not None

        ids += await append(database, USERS)
        await eventually(lambda: is_sent(database))

        with pytest.raises(PublisherAway):
            await stranger.publish((), begun=remembered.position, after=Position("9:9:"), moves=1)
    await stranger.close()
    await assert_holds_once_and_in_order(kafka, ids)


async def test_another_relay_takes_over_when_the_first_is_gone(
    database: Database, database_url: str, kafka: Kafka
) -> None:
    ids: list[int] = []
    async with (
        Database(database_url, connections_max=3) as other,
        relaying(database, kafka) as first,
        relaying(other, kafka),
    ):
        ids += await append(database, USERS)
        await eventually(lambda: is_sent(database))
        first.cancel()
        ids += await append(database, USERS)
        await eventually(lambda: is_sent(other))
    await assert_holds_once_and_in_order(kafka, ids)


async def test_a_users_rows_share_the_partition_that_their_number_says(database: Database, kafka: Kafka) -> None:
    await append(database, USERS)
    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database))

    with_rows = [message for message in await committed(kafka) if message.value() is not None]
    for message, row in zip(with_rows, rows_in(with_rows), strict=True):
        assert message.partition() == row["user_id"] % 3
        assert message.key() == str(row["user_id"]).encode()


async def test_the_brokers_say_when_a_message_came_however_wrong_the_clock_of_the_relay_is(
    database: Database, kafka: Kafka
) -> None:
    ids = await append(database, USERS)
    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database))
    producer, ahead = kafka.producer(), datetime.now(UTC) + timedelta(days=2)
    producer.init_transactions(60)
    producer.begin_transaction()
    for topic in (kafka.topic, kafka.relay_topic):
        producer.produce(topic, None, b"mark", 0, timestamp=int(ahead.timestamp() * 1_000))
    producer.commit_transaction(60)

    for topic in (kafka.topic, kafka.relay_topic):
        told = [message.timestamp() for message in await asyncio.to_thread(messages, kafka, topic)]
        assert {kind for kind, _ in told} == {TIMESTAMP_LOG_APPEND_TIME}
        assert max(at for _, at in told) / 1_000 == pytest.approx(time.time(), abs=300)
    await assert_holds_once_and_in_order(kafka, ids)
