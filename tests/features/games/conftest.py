"""A parlour in Korea, and one user in it with a thousand coins."""

from collections.abc import AsyncIterator

import pytest

from casino_club.features.odds.commands.versions import ship
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.dueling import BORIS, CLARA, Table
from tests.features.games.parlour import TABLES, Parlour, a_round_id, open_parlour
from tests.features.identity import people
from tests.features.identity.people import open_house


@pytest.fixture
async def parlour(database: Database) -> Parlour:
    opened = await open_parlour(database)
    await opened.seat(USER, coins=1_000)
    return opened


@pytest.fixture
async def table(parlour: Parlour) -> Table:
    """A duel to come, in that parlour, and two more users with a thousand coins each."""
    for user_id in (BORIS, CLARA):
        await parlour.seat(user_id, coins=1_000)
    return Table(parlour, a_round_id())


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str) -> AsyncIterator[people.House]:
    async with open_house(database, database_url, redis_url, age_verifier="sandbox", market="kr") as opened:
        await database.run(lambda db: ship(db, TABLES, now=NOON))
        yield opened
