"""Real servers for every test: one private PostgreSQL and Redis a session, a fresh database for whoever asks."""

import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db import migrate
from casino_club.infra.db.database import Database
from tests.builders.servers import forget, memory_folder, private_servers, private_warehouse

collect_ignore = [] if os.environ.get("CASINO_CLUB_TEST_CLUSTER") else ["cluster"]
"""Tests with Kafka need Java and Maven: `make test-cluster` runs them."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts us in the background makes us ignore Ctrl-C, and our children, who are tried with it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Addresses of the session's PostgreSQL and Redis."""
    with memory_folder(tmp_path_factory.mktemp("servers")) as folder:
        with private_servers(folder) as addresses:
            migrate.upgrade(addresses[0])
            yield addresses
        forget(folder)


@pytest.fixture
async def database_url(servers: tuple[str, str]) -> AsyncIterator[str]:
    """A database of the test's own, migrated."""
    name = f"test_{next(_numbers)}"
    maker = await asyncpg.connect(_named(servers[0], "template1"))
    await maker.execute(f"CREATE DATABASE {name} TEMPLATE casino_club STRATEGY FILE_COPY")
    yield _named(servers[0], name)
    await maker.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await maker.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own database, open."""
    async with Database(database_url, connections_max=8) as opened:
        yield opened


@pytest.fixture
async def redis_url(servers: tuple[str, str]) -> str:
    """The session's Redis, emptied."""
    async with RedisHotStore(servers[1]) as store:
        await store.redis.flushall()
    return servers[1]


@pytest.fixture
async def hot_store(redis_url: str) -> AsyncIterator[RedisHotStore]:
    """A hot store that holds nothing."""
    async with RedisHotStore(redis_url) as store:
        yield store


@pytest.fixture(scope="session")
def warehouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The session's warehouse."""
    with memory_folder(tmp_path_factory.mktemp("warehouse")) as folder, private_warehouse(folder) as url:
        yield url


@pytest.fixture
async def warehouse_store(warehouse_url: str) -> AsyncIterator[ClickHouseWarehouse]:
    """The session's warehouse, with databases of the test's own."""
    own = urlsplit(warehouse_url)._replace(path=f"/test_{next(_numbers)}")
    async with ClickHouseWarehouse(urlunsplit(own)) as store:
        yield store


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
