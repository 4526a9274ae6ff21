"""Recency, frequency and amount of all users: from the rollup and from raw rows, against a bare scan of the columns.

Actions are made inside the engine, in the order of time: sessions of ten actions, spread evenly over users. DuckDB and
Polars answer the same question from the same rows in Parquet. Every figure is the best of some runs. The runs of the
growth are minutes apart, so on a busy machine only its processor time says something.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import psutil

from bench._lab import verdict
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.ports import ReadLimits
from casino_club.infra.warehouse import layouts
from tests.builders.servers import private_warehouse

DATABASE = "bench_1"
CHUNK_ROWS = 2_000_000
HISTORY_DAYS = 90
WINDOW_DAYS = 30
LIMITS = ReadLimits(seconds_max=600, memory_mb_max=16_000)

MAKE = """
INSERT INTO actions (id, user_id, action_type, day, action_timestamp, appended_at, by_user, is_play, round_id, in_round,
                     spent_tokens, staked, currency, metadata)
WITH intDiv(number, 10) AS session, cityHash64(number) AS luck,
     toDateTime64('{begin}', 6, 'UTC') + toIntervalSecond(intDiv(session * {seconds}, {sessions}) + number % 10) AS at,
     luck % 10 AS kind
SELECT number, 1 + cityHash64(session) % {users},
       multiIf(kind < 7, 'SLOT_SPIN', kind < 9, 'SPEND_CYBER_TOKENS', 'SEGMENT_CHANGED'),
       toDate(at, 'Asia/Seoul'), at, at, kind < 9, kind < 7,
       if(kind < 8, generateUUIDv4(number), toUUID('00000000-0000-0000-0000-000000000000')),
       kind < 8, if(kind IN (7, 8), luck % 1000, 0), if(kind < 7, 100, 0), if(kind < 7, 'COIN', ''), '{{}}'
FROM numbers({start}, {rows})
"""

SCAN = """
SELECT sum(user_id), max(action_timestamp), countIf(by_user), countIf(is_play), countIf(in_round), sum(spent_tokens),
       max(day)
FROM actions"""

RAW = """
SELECT count(), sum(f), sum(m), max(last_at) FROM (
    SELECT user_id, maxIf(action_timestamp, by_user) AS last_at,
           countIf(by_user AND day >= {since:Date}
                   AND (is_play OR NOT in_round)) AS f,
           sumIf(spent_tokens, day >= {since:Date}) AS m
    FROM actions GROUP BY user_id)"""

ROLLUP = """
SELECT count(), sum(f), sum(m), max(last_at) FROM (
    SELECT user_id, max(at) AS last_at, sum(gestures) AS f, sum(tokens) AS m FROM (
        SELECT user_id, last_by_user_at AS at, 0 AS gestures, 0 AS tokens FROM users
        UNION ALL
        SELECT user_id, toDateTime64(0, 6, 'UTC'), by_user - in_round + if(is_play, in_round, 0), spent_tokens
        FROM user_days WHERE day >= {since:Date})
    GROUP BY user_id)"""

DUCK = """
SELECT count(*), sum(f), sum(m), epoch_us(max(last_at)) FROM (
    SELECT user_id, max(action_timestamp) FILTER (by_user) AS last_at,
           count(*) FILTER (by_user AND day >= DATE '{since}' AND (is_play OR NOT in_round)) AS f,
           coalesce(sum(spent_tokens) FILTER (day >= DATE '{since}'), 0) AS m
    FROM '{files}' GROUP BY user_id)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="actions; the published run has 100 million,")
    parser.add_argument("--users", type=int, default=100_000, help="of a million, so that each has a history")
    parser.add_argument("--runs", type=int, default=5, help="of which the best counts")
    parser.add_argument("--memory-mb", type=int, default=4_096, help="the warehouse's cap")
    parser.add_argument("--once", action="store_true", help="leave out the run with twice the history")
    parser.add_argument("--folder", type=Path, help="where the data may lie meanwhile")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        private_warehouse(Path(folder), warehouse_memory_mb=options.memory_mb) as url,
    ):
        asyncio.run(_measure(url, Path(folder), options))


async def _measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    end = datetime(2026, 11, 20, tzinfo=UTC)
    since = (end - timedelta(days=WINDOW_DAYS - 1)).date()
    async with ClickHouseWarehouse(url) as store:
        bench = Bench(store, options)
        await layouts.apply(store, layouts.Layout("casino_club.features.actions"), DATABASE)
        await bench.fill(end - timedelta(days=HISTORY_DAYS), days=HISTORY_DAYS)

        parameters: dict[str, object] = {"since": since}
        scan = await bench.best("bare scan of the columns", SCAN, {})
        raw = await bench.best("from raw rows", RAW, parameters)
        rollup = await bench.best("from the rollup", ROLLUP, parameters)
        assert raw.found == rollup.found, (raw.found, rollup.found)
        verdict("raw rows ÷ bare scan", raw.took, scan.took, target=10, unit="s", at_most=True)
        verdict("rollup ÷ bare scan of raw columns", rollup.took, scan.took, target=1, unit="s", at_most=True)

        await bench.export(folder / "actions.parquet")
        duck = _best("DuckDB, from Parquet", lambda: _duckdb(folder, str(since)), options.runs)
        polar = _best("Polars, from Parquet", lambda: _polars(folder, since), options.runs)
        verdict("raw rows ÷ DuckDB", raw.took, duck, target=1, unit="s", at_most=True)
        verdict("raw rows ÷ Polars", raw.took, polar, target=1, unit="s", at_most=True)

        if options.once:
            return
        await bench.fill(end - timedelta(days=2 * HISTORY_DAYS), days=HISTORY_DAYS)
        doubled = await bench.best("from the rollup, history doubled", ROLLUP, parameters)
        grown = "rollup, history doubled ÷ before"
        verdict(grown, doubled.took, rollup.took, target=1.25, unit="s", at_most=True)
        verdict(f"{grown}, processor time", doubled.worked, rollup.worked, target=1.25, unit="s", at_most=True)


class Best(NamedTuple):
    """The least that a statement took by the clock, and of the processors; and what it gave."""

    took: float
    worked: float
    found: bytes


class Bench:
    """Statements on the engine, timed, with the most memory that its process held meanwhile."""

    def __init__(self, store: ClickHouseWarehouse, options: argparse.Namespace) -> None:
        self.store, self.options = store, options
        self.made = 0
        self.engine = next(
            each for each in psutil.Process().children(recursive=True) if "engine" in " ".join(each.cmdline())
        )

    async def fill(self, begin: datetime, *, days: int) -> None:
        rows, began = self.options.rows, time.perf_counter()
        for start in range(self.made, self.made + rows, CHUNK_ROWS):
            count = min(CHUNK_ROWS, self.made + rows - start)
            seconds, sessions = days * 86_400, rows // 10
            shifted = begin - timedelta(seconds=self.made // 10 * seconds // sessions)
            await self.store.run(
                MAKE.format(
                    begin=shifted.strftime("%Y-%m-%d %H:%M:%S"),
                    seconds=seconds,
                    sessions=sessions,
                    users=self.options.users,
                    start=start,
                    rows=count,
                ),
                database=DATABASE,
            )
        self.made += rows
        took = time.perf_counter() - began
        print(
            f"made {rows:,} actions with all that follows from them in {took:.0f} s ({rows / took:,.0f}/s)", flush=True
        )
        await self._until_merged()
        for table in ("actions", "user_days", "users"):
            print(f"    {table}: {await self._size(table)}", flush=True)

    async def _until_merged(self) -> None:
        async with asyncio.timeout(1_800):
            while await self._ask("SELECT count() FROM system.merges", {}) != b"0\n":  # noqa: ASYNC110 - no bell
                await asyncio.sleep(1)

    async def _size(self, table: str) -> str:
        found = await self._ask(
            """SELECT formatReadableQuantity(sum(rows)), formatReadableSize(sum(bytes_on_disk)), count()
               FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}""",
            {"database": DATABASE, "table": table},
        )
        rows, size, parts = found.decode().strip().split("\t")
        return f"{rows} rows, {size}, {parts} parts"

    async def _ask(self, sql: str, parameters: dict[str, object]) -> bytes:
        return await self.store.read(sql, parameters, database=DATABASE, result_format="TSV", limits=LIMITS)

    async def best(self, name: str, sql: str, parameters: dict[str, object]) -> "Best":
        took, worked = [], []
        with Peak(self.engine) as peak:
            for _ in range(self.options.runs):
                began, had = time.perf_counter(), self._processor_seconds()
                found = await self._ask(sql, parameters)
                took.append(time.perf_counter() - began)
                worked.append(self._processor_seconds() - had)
        best = Best(min(took), min(worked), found)
        print(
            f"{name}: {best.took:.3f} s, {best.worked:.2f} s of processor time, at most {peak.megabytes:,} MB in the "
            "engine's process",
            flush=True,
        )
        return best

    def _processor_seconds(self) -> float:
        times = self.engine.cpu_times()
        return float(times.user + times.system)

    async def export(self, path: Path) -> None:
        await self._ask(
            f"""INSERT INTO FUNCTION file('{path}', 'Parquet')
                SELECT user_id, action_type, day, action_timestamp, by_user, is_play, in_round, spent_tokens
                FROM actions
                SETTINGS output_format_parquet_compression_method = 'lz4', output_format_parquet_date_as_uint16 = 0""",
            {},
        )
        size = await asyncio.to_thread(path.stat)
        print(f"Parquet: {size.st_size / 1024**2:,.0f} MB", flush=True)


def _best(name: str, work: Callable[[], object], runs: int) -> float:
    took = []
    with Peak(psutil.Process()) as peak:
        for _ in range(runs):
            began = time.perf_counter()
            found = work()
            took.append(time.perf_counter() - began)
    print(f"{name}: {min(took):.3f} s, at most {peak.megabytes:,} MB; {found}", flush=True)
    return min(took)


def _duckdb(folder: Path, since: str) -> object:
    found = duckdb.sql(DUCK.format(since=since, files=folder / "actions.parquet"))
    return found.fetchall() if found else None


def _polars(folder: Path, since: date) -> object:
    recent = pl.col("day") >= since
    gesture = pl.col("by_user") & recent & (pl.col("is_play") | ~pl.col("in_round"))
    users = (
        pl.scan_parquet(folder / "actions.parquet")
        .group_by("user_id")
        .agg(
            pl.col("action_timestamp").filter(pl.col("by_user")).max().alias("last_at"),
            gesture.sum().alias("f"),
            pl.col("spent_tokens").filter(recent).sum().alias("m"),
        )
    )
    return users.select(pl.len(), pl.col("f").sum(), pl.col("m").sum()).collect(engine="streaming").rows()


class Peak:
    """The most that a process held while this was open."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.megabytes = 0

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.megabytes = max(self.megabytes, self._process.memory_info().rss // 1024**2)


if __name__ == "__main__":
    main()
