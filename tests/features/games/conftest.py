"""A parlour in Korea, and one user in it with a thousand coins."""

import pytest

from casino_club.infra.db.database import Database
from tests.features.games.parlour import USER, Parlour, open_parlour


@pytest.fixture
async def parlour(database: Database) -> Parlour:
    opened = await open_parlour(database)
    await opened.seat(USER, coins=1_000)
    return opened
