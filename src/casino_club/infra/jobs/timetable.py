"""Runs jobs at their times. Of several processes that do so, one at a time runs a job, and none overlaps itself."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from casino_club.infra.db.database import SERVER_AWAY
from casino_club.infra.jobs.job import Job, Work
from casino_club.infra.telemetry import metrics

logger = logging.getLogger(__name__)

JOB_LOCK = 7_215_520
FIRST_SECONDS_MAX = 60.0


class Result(StrEnum):
    """What became of a run."""

    DONE = "done"
    FAILED = "failed"
    ELSEWHERE = "elsewhere"
    """Another process is running it."""


class LockLost(Exception):
    """The session that kept others from this job is gone, so the job was stopped."""


async def keep(jobs: Sequence[Job], work: Callable[[], Work]) -> None:
    """Run each job at its times, until cancelled. A time that passes while the job still runs is left out."""
    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(_repeat(job, work))


async def _repeat(job: Job, work: Callable[[], Work]) -> None:
    every = job.every.total_seconds()
    due = time.monotonic() + min(every, FIRST_SECONDS_MAX)
    while True:
        await asyncio.sleep(due - time.monotonic())
        await run_once(job, work())
        due = next_time(due, every, time.monotonic())


def next_time(due: float, every: float, now: float) -> float:
    """The first time after now that is a whole number of intervals after the one that was due."""
    missed = max(0, int((now - due) // every))
    return due + (missed + 1) * every


async def run_once(job: Job, work: Work) -> Result:
    """One run, unless another process is at it. A failure is logged and counted; the next time is another try."""
    began = time.perf_counter()
    try:
        result = await _run_alone(job, work)
    except SERVER_AWAY as away:
        logger.warning("job waits", extra={"job": job.name, "reason": repr(away)})
        result = Result.FAILED
    except Exception:
        logger.exception("job failed", extra={"job": job.name})
        result = Result.FAILED
    metrics.JOB_RUNS.labels(job.name, result).inc()
    if result is not Result.ELSEWHERE:
        metrics.JOB_SECONDS.labels(job.name).observe(time.perf_counter() - began)
    if result is Result.DONE:
        metrics.JOB_LAST_SUCCESS.labels(job.name).set_to_current_time()
    return result


async def _run_alone(job: Job, work: Work) -> Result:
    async with work.database.connection() as session:
        if not await session.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", JOB_LOCK, job.name):
            return Result.ELSEWHERE
        running = asyncio.ensure_future(job.run(work))

        def stop(*_: object) -> None:
            running.cancel()

        session.add_termination_listener(stop)
        try:
            await asyncio.wait((running,))
        finally:
            running.cancel()
            await asyncio.wait((running,))
            if not session.is_closed():
                session.remove_termination_listener(stop)
                await session.execute("SELECT pg_advisory_unlock_all()")
        if running.cancelled():
            raise LockLost(job.name)
        running.result()
    return Result.DONE
