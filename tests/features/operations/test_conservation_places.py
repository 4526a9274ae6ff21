"""What has arrived elsewhere is counted there: a block that is lost or comes twice keeps its minutes open."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from casino_club.features.operations import rules, store
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.commands.places import places_of
from casino_club.features.operations.rules import Minute, Side
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.ports import WarehouseAway
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.warehouse import Warehouse
from tests.builders.actions import NOON, a_log
from tests.features.actions.warehoused import Place
from tests.features.operations.test_conservation import LATER, SOON, begun, send, taken, views

__all__ = ["begun"]

AFTERWARDS = NOON + timedelta(seconds=150)


@pytest.fixture
async def place(begun: Database, warehouse_store: ClickHouseWarehouse) -> Place:
    made = Place(begun, warehouse_store)
    await send(begun, views([1, 2, 3]))
    await send(begun, views([4, 5]), at=NOON + timedelta(seconds=61))
    await made.catch_up()
    return made


async def stock_of(place: Place) -> Sequence[Minute]:
    return await taken(place.database, places_of(Warehouse(place.database, place.store)), now=AFTERWARDS)


async def run(place: Place, statement: str) -> None:
    async with place.database.connection() as db:
        generation = await generations.find(db, "warehouse")
    assert generation is not None
    await place.store.run(statement, database=generation.database(place.store.database))


async def test_minutes_close_once_the_warehouse_holds_as_many_rows(place: Place) -> None:
    minutes = await stock_of(place)

    assert [(each.stored, each.elsewhere) for each in minutes] == [(3, {Side.WAREHOUSE: 3}), (2, {Side.WAREHOUSE: 2})]
    assert [each.closed_at for each in minutes] == [AFTERWARDS] * 2


async def test_rows_that_have_not_arrived_are_a_lag_at_first_and_then_missing(place: Place) -> None:
    await send(place.database, views([6, 7]), at=NOON + timedelta(seconds=2))

    first, second = await stock_of(place)

    assert (rules.lags(first, now=AFTERWARDS), rules.differences(first, now=AFTERWARDS)) == ({Side.WAREHOUSE: 2}, {})
    assert rules.sentence(first, now=AFTERWARDS) == "2 on their way to the warehouse."
    assert rules.differences(first, now=LATER) == {Side.WAREHOUSE: -2}
    assert second.closed_at == AFTERWARDS
    await place.catch_up()
    assert [each.closed_at for each in await stock_of(place)] == [AFTERWARDS] * 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("ALTER TABLE actions DELETE WHERE user_id = 2 SETTINGS mutations_sync = 2", -1),
        ("INSERT INTO actions SELECT * FROM actions WHERE user_id <= 3", 3),
    ],
)
async def test_what_the_warehouse_lost_or_has_twice_keeps_its_minute_open(
    place: Place, fault: str, expected: int
) -> None:
    await run(place, fault)

    first, second = await stock_of(place)

    assert (first.closed_at, rules.differences(first, now=LATER)) == (None, {Side.WAREHOUSE: expected})
    assert second.closed_at == AFTERWARDS


async def test_what_the_warehouse_lost_later_is_found_at_night(place: Place) -> None:
    await stock_of(place)
    await run(place, "ALTER TABLE actions DELETE WHERE user_id = 2 SETTINGS mutations_sync = 2")

    places = places_of(Warehouse(place.database, place.store))
    opened = await conservation.recheck(place.database, places, now=NOON + timedelta(hours=20))

    assert opened == 1


async def test_while_the_warehouse_is_away_minutes_wait_and_counting_goes_on(begun: Database) -> None:
    await a_log(begun).make_room()
    places = places_of(Warehouse(begun, ClickHouseWarehouse("http://127.0.0.1:9/nowhere")))
    await send(begun, views([1, 2]))
    await taken(begun, {}, now=NOON + timedelta(seconds=5))
    await send(begun, views([3]))

    with pytest.raises(WarehouseAway):
        await conservation.take_stock(begun, places, now=lambda: SOON)

    [minute] = await conservation_minutes(begun)
    assert (minute.stored, minute.closed_at) == (3, None)
    async with begun.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM intake_counts") == 0


async def conservation_minutes(database: Database) -> Sequence[Minute]:
    async with database.connection() as db:
        return await store.newest_minutes(db, before=None, is_open=None, limit=9)
