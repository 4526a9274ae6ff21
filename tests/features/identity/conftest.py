"""Houses to sign up at, and one to which identity providers let people in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casino_club.infra.db.database import Database
from tests.builders.identity_provider import a_provider
from tests.features.identity.browsing import NOWHERE, Browser, ProvidedCase, open_provided_house
from tests.features.identity.people import House, open_house


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with open_house(database, database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def provided(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[ProvidedCase]:
    async with a_provider() as provider, a_provider(person={"sub": "other-1"}) as other:
        issuers = {"one": provider.issuer, "two": other.issuer, "away": NOWHERE}
        async with open_provided_house(database, (database_url, redis_url), tmp_path, issuers) as house:
            yield ProvidedCase(house, Browser(house), provider, other)
