"""A house to sign up at."""

from collections.abc import AsyncIterator

import pytest

from casino_club.infra.db.database import Database
from tests.features.identity.people import House, open_house


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with open_house(database, database_url, redis_url) as opened:
        yield opened
