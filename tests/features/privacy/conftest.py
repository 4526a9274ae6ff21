"""An office over a house that people sign up at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from tests.features.privacy.offices import Bureau, open_bureau


@pytest.fixture
async def bureau(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(database, database_url, redis_url, tmp_path) as opened:
        yield opened
