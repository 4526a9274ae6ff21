"""What accounting for every action costs while the API takes all that it can.

Turns of the same load follow one another on the same servers: with everything as it is; with a consumer that takes no
stock; and, besides, with a database that throws the intake's counts away. What is compared is processor time per
action, of API, consumer, PostgreSQL and the warehouse together.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvloop

from bench._lab import Lab, fill, lab, median, processor_seconds
from bench.log_lag import PROBE_USERS, USERS, Load
from bench.warehouse_rate import _probe
from casino_club.entry import consumer
from casino_club.entry.wiring import Platform
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.settings import Settings
from tests.builders.servers import private_warehouse

AS_IT_IS, NO_STOCK, NO_COUNTS = "as it is", "no stock is taken", "nor is anything counted"
THROW_AWAY = """
    CREATE OR REPLACE FUNCTION throw_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE OR REPLACE TRIGGER throw_away BEFORE INSERT ON intake_counts FOR EACH ROW EXECUTE FUNCTION throw_away()"""
KEEP = "DROP TRIGGER IF EXISTS throw_away ON intake_counts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long each turn lasts")
    parser.add_argument("--turns", type=int, default=4, help="turns of each kind")
    parser.add_argument("--consume-without-stock", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.consume_without_stock:
        consumer.take_stock_for_ever = _take_none
        consumer.consume(Settings())
        return
    with lab() as here, tempfile.TemporaryDirectory() as folder, private_warehouse(Path(folder)) as url:
        with_warehouse = replace(here, environment={**here.environment, "CASINO_CLUB_WAREHOUSE_URL": url})
        asyncio.run(fill(here.database_url, users=USERS + len(PROBE_USERS), keys=1_000))
        with with_warehouse.process("serve"):
            _compare(with_warehouse, url, options.seconds, options.turns)


async def _take_none(platform: Platform) -> None:  # noqa: ARG001 - the same door
    await asyncio.Event().wait()


def _compare(here: Lab, url: str, seconds: float, turns: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {AS_IT_IS: [], NO_STOCK: [], NO_COUNTS: []}
    key = uvloop.run(here.make_key())
    for turn in range(turns + 1):
        for kind, figures in found.items():
            with _consuming(here, takes_stock=kind == AS_IT_IS):
                figure = uvloop.run(_turn(here, url, key, kind, seconds))
            if turn:  # The first one warms up.
                figures.append(figure)
    whole = median([cost for cost, _ in found[AS_IT_IS]])
    for kind, figures in found.items():
        cost, rate = (median(list(each)) for each in zip(*figures, strict=True))
        print(
            f"{kind}: {cost * 1e6:.1f} µs of processor time per action ({cost / whole:.2f} of what it is), "
            f"{rate:,.0f} actions/s; turns {', '.join(f'{each * 1e6:.1f}' for each, _ in figures)}",
            flush=True,
        )


@contextmanager
def _consuming(here: Lab, *, takes_stock: bool) -> Iterator[None]:
    if takes_stock:
        with here.process("consumer"):
            yield
        return
    argv = [sys.executable, "-m", "bench.conservation", "--consume-without-stock"]
    with subprocess.Popen(argv, env=here.environment, stderr=subprocess.DEVNULL) as child:
        try:
            yield
        finally:
            child.terminate()


async def _turn(here: Lab, url: str, key: str, kind: str, seconds: float) -> tuple[float, float]:
    """Processor time per action, all of it arrived and, where stock is taken, accounted for; and actions a second."""
    async with Database(here.database_url, connections_max=2) as database, ClickHouseWarehouse(url) as store:
        async with database.transaction() as db:
            await db.execute("DELETE FROM intake_counts")
            await db.execute(THROW_AWAY if kind == NO_COUNTS else KEEP)
        await _probe(here, database, store, key, 2)
        load, before, began = Load(here, key, pause_seconds=0), sum(processor_seconds().values()), time.perf_counter()
        await load.run(seconds=seconds)
        took = time.perf_counter() - began
        await _probe(here, database, store, key, 1)
        while kind == AS_IT_IS and await _is_owed(database):  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(0.2)
        return (sum(processor_seconds().values()) - before) / load.sent, load.sent / took


async def _is_owed(database: Database) -> bool:
    async with database.connection() as db:
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM intake_counts)"))


if __name__ == "__main__":
    main()
