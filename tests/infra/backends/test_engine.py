"""The private ClickHouse engine: who may ask, what it answers, what it lets nobody do to it, and how it ends."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
import psutil
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from casino_club.infra import runtime
from casino_club.infra.backends.embedded.warehouse import MODULE
from casino_club.infra.backends.engine.__main__ import BROKEN_STATUS
from casino_club.infra.backends.engine.parts import forget_broken
from casino_club.infra.settings import Settings
from tests.builders.servers import private_warehouse, running_server
from tests.faults import disks
from tests.infra.waiting import until

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) % 7 = 3"
GREEDY = "SELECT length(groupArray(number)) FROM numbers(1000000000)"
MEGABYTE = 1024 * 1024
DISK_MB = 256


async def connected(url: str) -> AsyncClient:
    return await clickhouse_connect.get_async_client(
        dsn=url, database="default", autogenerate_session_id=False, compress=False
    )


@pytest.fixture
async def client(warehouse_url: str) -> AsyncIterator[AsyncClient]:
    """A client that knows nothing of us."""
    opened = await connected(warehouse_url)
    yield opened
    await opened.close()


async def running(client: AsyncClient) -> int:
    found = await client.query("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%'")
    return int(found.result_rows[0][0]) - 1


async def until_running(client: AsyncClient, number: int) -> None:
    async with asyncio.timeout(60):
        while await running(client) != number:  # noqa: ASYNC110 - the engine rings no bell
            await asyncio.sleep(0.02)


async def test_parameters_arrive_as_they_were_sent(client: AsyncClient) -> None:
    text = "it's\ta \\ line\nof 한국어"

    found = await client.query("SELECT {text:String}, {number:Int64} + 1", parameters={"text": text, "number": 41})

    assert found.result_rows == [(text, 42)]


async def test_a_block_with_a_known_token_adds_nothing(client: AsyncClient) -> None:
    await client.command(
        "CREATE OR REPLACE TABLE tokens (n UInt32) ENGINE = MergeTree ORDER BY n "
        "SETTINGS non_replicated_deduplication_window = 10"
    )

    for token in ("a", "a", "b"):
        await client.insert("tokens", [[1], [2]], ["n"], settings={"insert_deduplication_token": token})

    assert (await client.query("SELECT count() FROM tokens")).result_rows == [(4,)]


async def test_a_block_that_finds_no_room_is_refused_and_arrives_once_when_there_is_some(tmp_path: Path) -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    with disks.small_disk(DISK_MB) as disk, private_warehouse(disk) as url:
        client = await connected(url)
        await client.command(
            "CREATE TABLE room (n UInt32) ENGINE = MergeTree ORDER BY n "
            "SETTINGS non_replicated_deduplication_window = 10"
        )
        ballast = disks.fill_up(disk)
        with pytest.raises(DatabaseError, match="NOT_ENOUGH_SPACE"):
            await client.insert("room", [[1], [2]], ["n"], settings={"insert_deduplication_token": "a"})
        for each in ballast:
            each.unlink()

        for _ in range(2):
            await client.insert("room", [[1], [2]], ["n"], settings={"insert_deduplication_token": "a"})

        assert (await client.query("SELECT count() FROM room")).result_rows == [(2,)]
        await client.close()


async def test_what_a_merge_had_no_room_for_is_there_again_once_the_engine_has_ended_and_started(
    tmp_path: Path,
) -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    with disks.small_disk(DISK_MB) as disk:
        settings = Settings.model_validate({"mode": "embedded", "data_dir": disk})
        process = runtime.warehouse_server(settings)
        assert process is not None
        with running_server(process, disk) as child:
            client = await connected(str(runtime.warehouse_url(settings)))
            await write_parts(client)
            before = await hash_of_parts(client)
            merging = asyncio.create_task(client.command("OPTIMIZE TABLE merged FINAL"))
            await until(lambda: is_merging(disk), seconds_max=60)
            child.send_signal(signal.SIGSTOP)
            ballast = disks.fill_up(disk)
            child.send_signal(signal.SIGCONT)

            assert await asyncio.to_thread(child.wait, 60) == BROKEN_STATUS

            await asyncio.gather(merging, return_exceptions=True)
            await client.close()
        for each in ballast:
            each.unlink()
        with running_server(process, disk):
            client = await connected(str(runtime.warehouse_url(settings)))
            assert await hash_of_parts(client) == before
            await client.close()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert forget_broken(disk / "warehouse/data", before=tomorrow), "what was broken is known by its name"


async def write_parts(client: AsyncClient) -> None:
    """Enough to be merged for a while."""
    await client.command(
        "CREATE TABLE merged (n UInt64, noise String) ENGINE = MergeTree ORDER BY noise "
        "SETTINGS old_parts_lifetime = 480"
    )
    await client.command("SYSTEM STOP MERGES merged")
    for part in range(4):
        await client.command(
            f"INSERT INTO merged SELECT number + {part}, randomPrintableASCII(100) FROM numbers(100000)"
        )
    await client.command("SYSTEM START MERGES merged")


async def hash_of_parts(client: AsyncClient) -> object:
    return (await client.query("SELECT count(), sum(cityHash64(*)) FROM merged")).result_rows


def is_merging(disk: Path) -> bool:
    return any(disk.glob("warehouse/data/store/*/*/tmp_merge_*"))


async def test_settings_hold_for_one_statement_only(client: AsyncClient) -> None:
    asked = "SELECT getSetting('max_threads') = 3"

    assert (await client.query(asked, settings={"max_threads": 3})).result_rows == [(True,)]

    assert {(await client.query(asked)).result_rows[0][0] for _ in range(12)} == {False}


async def test_a_fault_comes_with_clickhouses_code(client: AsyncClient) -> None:
    with pytest.raises(DatabaseError) as caught:
        await client.query("SELECT * FROM nowhere")

    assert (caught.value.code, caught.value.name) == (60, "UNKNOWN_TABLE")


async def test_who_does_not_know_the_secret_gets_nothing(warehouse_url: str) -> None:
    stranger = urlsplit(warehouse_url)._replace(netloc=f"casino_club:guess@127.0.0.1:{urlsplit(warehouse_url).port}")

    with pytest.raises(DatabaseError, match="516"):
        await connected(stranger.geturl())


async def test_a_query_ends_when_its_client_goes_away(client: AsyncClient) -> None:
    asking = asyncio.create_task(client.query(ENDLESS))
    await until_running(client, 1)

    asking.cancel()

    await until_running(client, 0)


async def test_a_query_that_takes_too_long_is_ended(client: AsyncClient) -> None:
    with pytest.raises(DatabaseError) as caught:
        await client.query(ENDLESS, settings={"max_execution_time": 1})

    assert caught.value.code == 159


async def test_inserts_need_not_wait_for_reads(client: AsyncClient) -> None:
    await client.command("CREATE OR REPLACE TABLE meanwhile (n UInt32) ENGINE = MergeTree ORDER BY n")
    asking = [asyncio.create_task(client.query(ENDLESS)) for _ in range(8)]
    try:
        async with asyncio.timeout(30):
            written = await client.insert("meanwhile", [[1]], ["n"])
    finally:
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)

    assert written.written_rows == 1


async def test_a_greedy_query_is_refused_and_the_process_stays_near_its_cap(tmp_path: Path) -> None:
    settings = Settings.model_validate({"mode": "embedded", "data_dir": tmp_path, "warehouse_memory_mb": 640})
    process = runtime.warehouse_server(settings)
    assert process is not None
    with running_server(process, tmp_path) as child:
        client, peak_mb = await connected(str(runtime.warehouse_url(settings))), 0
        asking = asyncio.create_task(client.query(GREEDY))
        while not asking.done():
            peak_mb = max(peak_mb, psutil.Process(child.pid).memory_info().rss // MEGABYTE)
            await asyncio.sleep(0.01)
        still = (await client.query("SELECT 1")).result_rows
        await client.close()

    assert isinstance(fault := asking.exception(), DatabaseError)
    assert fault.code == 241
    assert still == [(1,)]
    assert peak_mb < 640 * 1.15


def test_a_second_process_is_told_that_the_folder_is_held(tmp_path: Path) -> None:
    with private_warehouse(tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", MODULE, str(tmp_path / "warehouse"), "1"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "Another process holds" in done.stderr
    assert "Traceback" not in done.stderr


async def test_it_ends_within_seconds_while_a_query_runs(tmp_path: Path) -> None:
    settings = Settings.model_validate({"mode": "embedded", "data_dir": tmp_path})
    process = runtime.warehouse_server(settings)
    assert process is not None
    with running_server(process, tmp_path) as child:
        client = await connected(str(runtime.warehouse_url(settings)))
        asking = asyncio.create_task(client.query(ENDLESS))
        await until_running(client, 1)

        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        status = await asyncio.to_thread(child.wait, 30)

        assert isinstance(await asyncio.gather(asking, return_exceptions=True), list)
        await client.close()
    assert status == 0
    assert time.monotonic() - began < 8


def test_what_a_killed_supervisor_left_is_ended_before_the_next_start(tmp_path: Path) -> None:
    settings = Settings.model_validate({"mode": "embedded", "data_dir": tmp_path})
    process = runtime.warehouse_server(settings)
    assert process is not None
    with running_server(process, tmp_path) as left:
        process.prepare()

        assert left.wait(10) == 0
