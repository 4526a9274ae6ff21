"""What the warehouse's port says of limits: who asks may ask for less, and what is written is tried again."""

import asyncio
import time

import pytest

from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.ports import QueryTooLarge, QueryTooLong, ReadLimits, WarehouseAway, WarehouseFault
from casino_club.infra.warehouse.blocks import block, int64
from tests.infra.log.following import eventually

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 3"
GREEDY = "SELECT length(groupArray(number)) FROM numbers(100000000)"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'"


async def asked(store: ClickHouseWarehouse, sql: str, limits: ReadLimits) -> bytes:
    return await store.read(sql, {}, database="default", result_format="TSV", limits=limits)


async def is_idle(store: ClickHouseWarehouse) -> bool:
    return (await asked(store, RUNNING, ReadLimits())).strip() == b"0"


async def is_busy(store: ClickHouseWarehouse) -> bool:
    return not await is_idle(store)


async def test_a_query_that_takes_too_long_is_refused_and_ended(warehouse_store: ClickHouseWarehouse) -> None:
    with pytest.raises(QueryTooLong):
        await asked(warehouse_store, ENDLESS, ReadLimits(seconds_max=0.3))

    await eventually(lambda: is_idle(warehouse_store), seconds_max=60)


async def test_a_query_that_needs_too_much_is_refused(warehouse_store: ClickHouseWarehouse) -> None:
    with pytest.raises(QueryTooLarge):
        await asked(warehouse_store, GREEDY, ReadLimits(memory_mb_max=50))


async def test_to_cancel_a_call_ends_its_query(warehouse_store: ClickHouseWarehouse) -> None:
    asking = asyncio.create_task(asked(warehouse_store, ENDLESS, ReadLimits(seconds_max=60)))
    await eventually(lambda: is_busy(warehouse_store), seconds_max=60)
    began = time.monotonic()

    asking.cancel()

    await eventually(lambda: is_idle(warehouse_store), seconds_max=60)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("check", "raised"),
    [
        ("length(groupArray(number)) FROM numbers(2000000000)", WarehouseAway),
        ("throwIf(true) FROM numbers(1)", WarehouseFault),
    ],
)
async def test_a_block_that_finds_no_memory_is_to_be_sent_again(
    warehouse_store: ClickHouseWarehouse, check: str, raised: type[Exception]
) -> None:
    name = warehouse_store.database
    await warehouse_store.run(f"CREATE DATABASE {name}")
    await warehouse_store.run("CREATE TABLE received (n Int64) ENGINE = MergeTree ORDER BY n", database=name)
    view = f"ENGINE = MergeTree ORDER BY tuple() AS SELECT (SELECT {check}) AS m FROM received"
    await warehouse_store.run(f"CREATE MATERIALIZED VIEW seen {view}", database=name)

    with pytest.raises(raised):
        await warehouse_store.insert("received", block([int64("n", [1, 2])], 2), database=name, token="a")
    await warehouse_store.run(f"DROP DATABASE {name}")
