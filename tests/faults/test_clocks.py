"""Clocks that jump, one process's after another's: actions, streaks, readers and jobs go on as they should."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import shims
from tests.faults.clocks import Clocks
from tests.faults.killing import Round, Trouble, a_round
from tests.faults.load import PRESENT_USERS, a_batch
from tests.faults.page import Tally, tallies_of
from tests.faults.stage import Stage, staged
from tests.infra.waiting import until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS = (HOUR, -HOUR, DAY, -DAY)
PROGRAMS = {
    Trouble.CLOCK_API: "serve",
    Trouble.CLOCK_CONSUMER: "consumer",
    Trouble.CLOCK_WORKER: "worker",
    Trouble.CLOCK_SCHEDULER: "scheduler",
    Trouble.CLOCK_POSTGRESQL: "postgres",
    Trouble.CLOCK_REDIS: "valkey-server",
}
ACTIONS_MEANWHILE = 60
HELD_SECONDS = {Trouble.CLOCK_WORKER: 2.0, Trouble.CLOCK_SCHEDULER: 4.0, Trouble.CLOCK_POSTGRESQL: 3.0}
"""So long a clock is wrong where looks at it lie apart."""
JOB, RUNS_SECONDS_MAX = "make_room", 100.0


@pytest.mark.timeout(600)
async def test_no_clock_that_jumps_loses_doubles_or_stops_anything(tmp_path: Path, tallies: list[Tally]) -> None:
    if reason := shims.why_not():
        pytest.skip(reason)
    with shims.open_folder() as folder:
        clocks = Clocks(folder)
        async with staged(tmp_path, given=clocks.environment) as stage:
            current = await a_round(stage, seed="clocks", tells_times=False)
            current.load.ledger.clock_error = DAY
            async with current.load.running():
                await stage.ready()
                for trouble in PROGRAMS:
                    for by in JUMPS:
                        await current.endure(trouble, jumping(clocks, trouble, by, current))
                await jobs_go_on(stage)
            # A Redis whose clock was ahead let values end. They are there again with each user's next play.
            await current.load.send(a_batch(current.rng, list(PRESENT_USERS)))
            await current.load.probe()
            try:
                await current.check()
            finally:
                tallies += tallies_of(current)


@asynccontextmanager
async def jumping(clocks: Clocks, trouble: Trouble, by: timedelta, current: Round) -> AsyncIterator[None]:
    """Wrong for as long as some actions take, and then right again."""
    clocks.jump(PROGRAMS[trouble], by)
    enough = current.load.ledger.acknowledged + ACTIONS_MEANWHILE
    await until(lambda: current.load.ledger.acknowledged >= enough, seconds_max=60.0)
    await asyncio.sleep(HELD_SECONDS.get(trouble, 0))
    clocks.jump(PROGRAMS[trouble], timedelta())
    yield


async def jobs_go_on(stage: Stage) -> None:
    """The next due time has its run, and nothing was begun twice."""
    async with asyncio.timeout(RUNS_SECONDS_MAX), stage.database() as db:
        since = await db.fetchval("SELECT clock_timestamp()")
        query = """SELECT due_at, state FROM job_runs
                   WHERE job = $1 AND due_at > $2 AND due_at <= clock_timestamp() AND started_at >= $2"""
        while Counter(row["state"] for row in await db.fetch(query, JOB, since))["done"] < 1:  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(0.2)
        assert not await db.fetchval("SELECT count(*) FROM job_runs WHERE state = 'running' AND setbacks > 0")
