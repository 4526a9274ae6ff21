"""A shop in Europe, where everything of the test's catalogue is sold."""

import pytest

from casino_club.infra.db.database import Database
from tests.features.shop.counter import Counter, open_counter


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await open_counter(database)
