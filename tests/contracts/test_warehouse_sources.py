"""The warehouse holds what the log says, whether its consumer follows the table or the topic, whatever cuts it off."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.db.database import Database
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.sources import OpenSource
from casino_club.infra.ports import WarehouseStore
from tests.builders.actions import NOON, a_log, a_policy, a_row, record
from tests.contracts.sources import has_settled
from tests.features.actions.test_warehouse import Failing
from tests.features.actions.warehoused import USER_DAYS, USERS, Place, user_days, users, write_history
from tests.infra.log.following import all_parked, eventually, following

AT_ONCE = replace(projection, rest_seconds=0.0)
LONG_SECONDS_MAX = 60.0
COUNTS = "SELECT count(), uniqExact(id) FROM actions"


@pytest.fixture
def place(database: Database, warehouse_store: WarehouseStore) -> Place:
    return Place(database, warehouse_store)


@asynccontextmanager
async def followed(place: Place, open_source: OpenSource, *, page_rows: int = 70) -> AsyncIterator[Follower]:
    follower = Follower(AT_ONCE, place.stores, open_source(), page_rows=page_rows)
    async with following(follower.follow(asyncio.Event())):
        await eventually(lambda: has_settled(follower), seconds_max=LONG_SECONDS_MAX)
        yield follower


async def arrives(place: Place, *, without: tuple[int, ...] = ()) -> None:
    """Every row, once, and in both tables that views keep."""
    logged = [row for row in await place.logged() if row.id not in without]

    should_be = [[[len(logged)] * 2], user_days(logged), users(logged)]

    async def is_there() -> bool:
        return [await place.rows(sql) for sql in (COUNTS, USER_DAYS, USERS)] == should_be

    await eventually(is_there, seconds_max=LONG_SECONDS_MAX)


@pytest.mark.timeout(120)
async def test_every_table_holds_what_was_there_and_what_comes(place: Place, open_source: OpenSource) -> None:
    await write_history(place.database, random.Random(1), rows=200)
    async with followed(place, open_source):
        await write_history(place.database, random.Random(2), rows=400)
        await arrives(place)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("after_it", [False, True])
async def test_a_page_that_is_cut_is_sent_again_and_counts_once(
    place: Place, open_source: OpenSource, after_it: bool
) -> None:
    failing = replace(place, store=cast("WarehouseStore", Failing(place.store, at=2, after_it=after_it)))
    async with followed(failing, open_source, page_rows=30):
        await write_history(place.database, random.Random(3), rows=200)
        await arrives(place)


@pytest.mark.timeout(180)
async def test_whoever_takes_over_goes_on_where_the_other_stopped(place: Place, open_source: OpenSource) -> None:
    for seed in range(3):
        async with followed(place, open_source, page_rows=30):
            await write_history(place.database, random.Random(seed), rows=100)
        await write_history(place.database, random.Random(seed + 10), rows=50)
    async with followed(place, open_source):
        await arrives(place)


@pytest.mark.timeout(120)
async def test_a_row_that_cannot_be_converted_is_parked_alone(place: Place, open_source: OpenSource) -> None:
    async with place.database.transaction() as db:
        await db.execute(_POISON)
    async with followed(place, open_source):
        await write_history(place.database, random.Random(4), rows=100)
        poisoned = a_row(7, at=NOON, action_type="PURCHASE", metadata={"amount": 13})
        [bad] = [each.id for each in await record(a_log(place.database), [poisoned], now=NOON, policy=a_policy())]
        await write_history(place.database, random.Random(5), rows=100)
        await arrives(place, without=(bad,))

    assert [row.action_id for row in await all_parked(place.database)] == [bad]


_POISON = """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.metadata := '{"amount": "a lot"}'; RETURN NEW; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON user_actions FOR EACH ROW
        WHEN (NEW.metadata = '{"amount": 13}'::jsonb) EXECUTE FUNCTION poison()"""
