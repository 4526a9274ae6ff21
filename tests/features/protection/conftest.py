"""Users under protection, each act in a transaction of its own."""

import pytest

from casino_club.infra.db.database import Database
from tests.builders.actions import a_log
from tests.features.protection.guarding import Guard, a_protection_policy


@pytest.fixture
async def guard(database: Database) -> Guard:
    await a_log(database).make_room()
    return Guard(database, a_protection_policy())
