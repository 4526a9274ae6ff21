"""From the log into the warehouse: how fast it catches up, how soon an action is there, and what holds it back.

The limit of catching up is inserting pages that are turned into columns beforehand, all else being equal. Freshness is
measured from outside: a probe posts an action of a user of its own and asks the warehouse until it is there. The clock
starts when the answer to the post has arrived.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import uvloop

from bench._lab import Lab, fill, lab, percentile, processor_seconds, verdict
from bench.batch_ingest import spin
from bench.log_lag import CONNECTIONS, PROBE_USERS, ROWS_PER_BATCH, USERS, Load
from bench.single_action import answer_to, request
from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.log.effects import Stores, WarehouseHome
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.reader import Position, next_page
from casino_club.infra.ports import Block, ReadLimits
from casino_club.infra.warehouse import generations, layouts
from casino_club.kernel.clock import Calendar
from tests.builders.servers import private_warehouse

LIMITS = ReadLimits()
SUSTAINED_SECONDS = 20
"""In less, the last action's own way of half a second or more would count for much."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000, help="actions in the log that is caught up with")
    parser.add_argument("--probes", type=int, default=60, help="posts that are timed, in each state")
    options = parser.parse_args()
    with lab() as here, tempfile.TemporaryDirectory() as folder, private_warehouse(Path(folder)) as url:
        with_warehouse = replace(here, environment={**here.environment, "CASINO_CLUB_WAREHOUSE_URL": url})
        uvloop.run(_catching_up(here, url, options.rows))
        asyncio.run(fill(here.database_url, users=USERS + len(PROBE_USERS), keys=1_000))
        with with_warehouse.process("serve"), with_warehouse.process("consumer"):
            uvloop.run(_freshness(with_warehouse, url, options.probes))


async def _catching_up(here: Lab, url: str, rows: int) -> None:
    async with Database(here.database_url, connections_max=4) as database, ClickHouseWarehouse(url) as store:
        await _write_log(database, rows)
        limit = await _limit(database, store, rows)
        stores = Stores(database, RedisHotStore(here.redis_url), {}, warehouse=WarehouseHome(store, "Asia/Seoul"))
        follower = Follower(projection, stores, page_rows=projection.page_rows)
        engine, ours = _engine(), psutil.Process()
        before, began = (_cpu(engine), _cpu(ours)), time.perf_counter()
        count = 0
        async with database.connection() as db:
            while count < rows:
                page = await follower.read(db)
                follower.ahead.begin(db, page)
                await follower.deliver(page)
                count += len(page.rows)
            await follower.ahead.forget()
        took = time.perf_counter() - began
        spent = (_cpu(engine) - before[0], _cpu(ours) - before[1])
        verdict("log → warehouse, catching up", count / took, limit, target=0.5, unit="actions/s")
        print(
            f"    processor time per action: engine {spent[0] / count * 1e6:.1f} µs, reading and turning into columns "
            f"{spent[1] / count * 1e6:.1f} µs; the target is 100,000 actions/s"
        )
        async with database.transaction() as db:
            await db.execute("TRUNCATE user_actions")


async def _write_log(database: Database, rows: int) -> None:
    async with database.transaction("SET LOCAL synchronous_commit = off; SET LOCAL transaction_timeout = 0") as db:
        await db.execute(
            f"""INSERT INTO user_actions (id, user_id, scope, client_action_id, action_type, value, metadata,
                    action_timestamp, round_id, is_play, by_user, appended_at, streak, day_plays, last_play_at,
                    last_action_at)
                SELECT nextval('action_ids'), 1 + (random() * 100000)::int, 1, gen_random_uuid(), 'SLOT_SPIN', 5,
                       json_build_object('result', 'lose', 'currency', 'COIN', 'staked', 100, 'won', 0,
                                         'round_id', gen_random_uuid())::jsonb,
                       now() - interval '1 hour' * random(), gen_random_uuid(), true, true, now(), 1, 1, now(), now()
                FROM generate_series(1, {rows})"""
        )


async def _limit(database: Database, store: ClickHouseWarehouse, rows: int) -> float:
    """Rows a second of pages that are ready."""
    assert projection.to_warehouse is not None
    blocks: list[Block] = []
    position = Position()
    async with database.connection() as db:
        while sum(block.row_count for block in blocks) < rows:
            page = await next_page(db, position, rows_max=projection.page_rows)
            blocks.append(projection.to_warehouse.effect(page.rows, Calendar("Asia/Seoul")))
            position = page.after
    name = f"{store.database}_0"
    await layouts.apply(store, layouts.Layout(projection.to_warehouse.package), name)
    began = time.perf_counter()
    for number, block in enumerate(blocks):
        await store.insert(projection.to_warehouse.table, block, database=name, token=str(number))
    return rows / (time.perf_counter() - began)


async def _freshness(here: Lab, url: str, probes: int) -> None:
    key = await here.make_key()
    async with Database(here.database_url, connections_max=2) as database, ClickHouseWarehouse(url) as store:
        await _probe(here, database, store, key, 3)
        most = Load(here, key, pause_seconds=0)
        before, clients, began = processor_seconds(), time.process_time(), time.perf_counter()
        await most.run(seconds=SUSTAINED_SECONDS)
        posted = time.perf_counter()
        await _probe(here, database, store, key, 1)
        sustained = most.sent / (time.perf_counter() - began)
        most_per_second = most.sent / (posted - began)
        verdict("ingest → warehouse, sustained", sustained, most_per_second, target=0.9, unit="actions/s")
        spent = {part: seconds - before[part] for part, seconds in processor_seconds().items()}
        spent["clients"] = time.process_time() - clients
        parts = ", ".join(f"{part} {seconds / most.sent * 1e6:.0f} µs" for part, seconds in spent.items())
        print(f"    processor time per action: {parts}", flush=True)
        for share in (0.1, 0.7):
            load = Load(here, key, pause_seconds=CONNECTIONS * ROWS_PER_BATCH / (most_per_second * share))
            loading = asyncio.create_task(load.run(seconds=600))
            await asyncio.sleep(2)
            took = await _probe(here, database, store, key, probes)
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading
            _report(share, took)
            await _probe(here, database, store, key, 1)


async def _probe(here: Lab, database: Database, store: ClickHouseWarehouse, key: str, probes: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    rng, took = random.Random(), []
    for probe in range(probes):
        user = PROBE_USERS[probe % len(PROBE_USERS)]
        writer.write(request("/api/actions", key, spin(user, rng)))
        row_id = json.loads(await answer_to(reader))["id"]
        began = time.perf_counter()
        while not await _is_there(database, store, user, row_id):
            assert time.perf_counter() - began < 120, "the action never came"
            await asyncio.sleep(0.02)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(rng.random() * 0.3)
    writer.close()
    return took


async def _is_there(database: Database, store: ClickHouseWarehouse, user: int, row_id: int) -> bool:
    async with database.connection() as db:
        live = await generations.find(db, projection.name)
    if live is None:
        return False
    found = await store.read(
        "SELECT count() FROM actions WHERE user_id = {user:Int64} AND id = {id:Int64}",
        {"user": user, "id": row_id},
        database=live.database(store.database),
        result_format="TSV",
        limits=LIMITS,
    )
    return found.strip() == b"1"


def _report(share: float, took: Sequence[float]) -> None:
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    is_met = "met" if p99 < 2 else "MISSED"
    print(
        f"post answered → visible in the warehouse, {share:.0%} of the most: p50 {p50:.2f} s, p99 {p99:.2f} s "
        f"(target p99 < 2 s: {is_met})",
        flush=True,
    )


def _engine() -> psutil.Process:
    return next(
        each for each in psutil.Process().children(recursive=True) if "backends.engine" in " ".join(each.cmdline())
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
