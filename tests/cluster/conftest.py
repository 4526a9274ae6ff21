"""One Kafka a session; brokers that are to be killed are a test's own."""

from collections.abc import Iterator

import pytest

from casino_club.infra.backends.kafka.client import Kafka
from tests.builders.kafka import Brokers, a_kafka, running_brokers


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """A single broker."""
    with running_brokers(tmp_path_factory.mktemp("kafka"), 1) as started:
        yield started


@pytest.fixture
def kafka(brokers: Brokers) -> Kafka:
    """A topic of the test's own."""
    return a_kafka(brokers)
