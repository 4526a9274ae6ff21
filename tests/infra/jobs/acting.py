"""A worker or a scheduler with jobs made for tests: `python -m tests.infra.jobs.acting worker|scheduler`.

They note what they do in the table `notes`, so that tests see what happened in other processes.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs, worker
from casino_club.infra.jobs.broker import Sender
from casino_club.infra.jobs.job import CatchUp, Retries, Work, job
from casino_club.infra.jobs.runner import Runner
from casino_club.infra.jobs.runs import Pace, Run
from casino_club.infra.jobs.scheduler import Scheduler
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.partitions import Log
from casino_club.infra.telemetry.logs import configure_logging

ZONE = ZoneInfo("Asia/Seoul")
PACE = Pace(lease_seconds=1.5, resend_seconds=0.3, look_seconds=0.1)
EVERY = timedelta(milliseconds=500)
STEPS = 4
STOPS_AT = 2
STUMBLES = 2
NOTES = "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, job text, due_at timestamptz, note text, pid int)"


async def note(work: Work, text: str) -> None:
    async with work.database.transaction() as db:
        await _note(db, work, text)


async def _note(db: object, work: Work, text: str) -> None:
    await db.execute(  # type: ignore[attr-defined]  # a connection
        "INSERT INTO notes (job, due_at, note, pid) VALUES ($1, $2, $3, $4)",
        work.run.job,
        work.run.due_at,
        text,
        os.getpid(),
    )


@job("tick", every=EVERY, about="Notes its due time.", catch_up=CatchUp.EVERY)
async def tick(work: Work) -> None:
    await note(work, "ran")


@job("climb", every=timedelta(days=3650), about="Goes up step by step; its first attempt gets stuck half way.")
async def climb(work: Work) -> None:
    for step in range(int(work.run.progress or 0) + 1, STEPS + 1):
        async with work.database.transaction() as db:
            await _note(db, work, f"step {step}")
            await runs.reach(db, work.run, str(step))
        if step == STOPS_AT and work.run.attempt == 1:
            await asyncio.Event().wait()


SOON = timedelta(milliseconds=300)


@job("fall", every=timedelta(days=3650), about="Fails.", retries=Retries(2, SOON))
async def fall(work: Work) -> None:
    raise ValueError("no such luck")


@job("stumble", every=timedelta(days=3650), about="Fails behind a key, and goes on there.", retries=Retries(after=SOON))
async def stumble(work: Work) -> None:
    await note(work, work.run.progress or "from the beginning")
    if work.run.failures < STUMBLES:
        async with work.database.transaction() as db:
            await runs.reach(db, work.run, f"after {work.run.failures + 1}")
        raise ValueError("not yet")


JOBS = (tick, climb, fall, stumble)


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Runner]:
    async with Database(database_url, connections_max=8) as database:
        stores = Stores(database, RedisHotStore("unix:///nowhere"), {}, LogFiles(Path("nowhere")))

        def work(run: Run) -> Work:
            return Work(stores, Log(database, 1_000, 1), (), datetime.now(UTC), (), {}, run)

        yield Runner({each.name: each for each in JOBS}, database, work, pace=PACE)


async def schedule(database_url: str, redis_url: str) -> None:
    async with Database(database_url, connections_max=3) as database:
        keeping = asyncio.create_task(Scheduler(JOBS, database, Sender(redis_url), zone=ZONE, pace=PACE).keep())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, keeping.cancel)
        await asyncio.wait([keeping])


def main(role: str, database_url: str, redis_url: str, ready: str) -> None:
    configure_logging("info")
    if role == "worker":
        worker.work(redis_url, lambda: opened(database_url), ready=Path(ready).touch)
    else:
        asyncio.run(schedule(database_url, redis_url))


if __name__ == "__main__":
    main(*sys.argv[1:])
