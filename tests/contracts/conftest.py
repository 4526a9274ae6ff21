"""What consumers read: the table with `make test`, the topic with `make test-cluster`, which needs a Kafka."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from casino_club.infra.log.sources import OpenSource, TableSource
from tests.builders.kafka import Brokers, a_kafka, relaying, running_brokers, topic_source

SOURCES = ("topic",) if os.environ.get("CASINO_CLUB_TEST_CLUSTER") else ("table",)


@pytest.fixture(scope="session")
def any_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers | None]:
    """A broker, if the topic is tried at all."""
    if "topic" not in SOURCES:
        yield None
        return
    folder: Path = tmp_path_factory.mktemp("kafka")
    with running_brokers(folder, 1) as started:
        yield started


@pytest.fixture(params=SOURCES)
async def open_source(
    request: pytest.FixtureRequest, database: Database, any_brokers: Brokers | None
) -> AsyncIterator[OpenSource]:
    """Makes sources; those of the topic with a relay that feeds it."""
    if request.param == "table":
        yield TableSource
        return
    assert any_brokers is not None
    kafka = a_kafka(any_brokers)
    async with relaying(database, kafka):
        yield topic_source(kafka)
