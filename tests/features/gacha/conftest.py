"""An arcade in Korea, and one user in it with a hundred free gems."""

import pytest

from casino_club.infra.db.database import Database
from tests.features.gacha.arcade import Arcade, open_arcade


@pytest.fixture
async def arcade(database: Database) -> Arcade:
    opened = await open_arcade(database)
    await opened.seat(free_gems=100)
    return opened
