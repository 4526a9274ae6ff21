"""Runs runs: claims the row, keeps its lease, and writes down what became of it, however long the database is away."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from casino_club.infra.db.database import SERVER_AWAY, Database
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.job import Job, Work
from casino_club.infra.jobs.runs import Pace, Run, RunLost
from casino_club.infra.ports import HotStoreAway
from casino_club.infra.telemetry import metrics
from casino_club.kernel.errors import Refused, Unavailable

logger = logging.getLogger(__name__)

AWAY = (*SERVER_AWAY, Unavailable, HotStoreAway)
UNKNOWN_JOB = "unknown_job"
SETTLE_PAUSE_SECONDS = 0.5


class TookTooLong(Exception):
    """The run was ended because it took longer than its job may."""


class Runner:
    """Lives on one loop. Several runs may be at work at once, each of another job."""

    def __init__(self, jobs: Mapping[str, Job], database: Database, work: Callable[[Run], Work], *, pace: Pace) -> None:
        self._jobs = jobs
        self._database = database
        self._work = work
        self._pace = pace
        self._at_work: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def run(self, name: str, due_at: datetime) -> None:
        """Run this run if it still waits, then what else of the job waits. Never raises what a job raises."""
        run = await self._claimed(name, due_at)
        while run is not None:
            await self._run(run)
            run = await self._claimed(name, None)

    async def stop(self) -> None:
        """Put back what is at work, for another worker to go on with."""
        self._is_stopping = True
        for task in self._at_work:
            task.cancel()

    async def _claimed(self, name: str, due_at: datetime | None) -> Run | None:
        if self._is_stopping:
            return None
        try:
            async with self._database.connection() as db:
                return await runs.claim(db, name, due_at, lease_seconds=self._pace.lease_seconds)
        except AWAY as away:
            logger.warning("run waits", extra={"job": name, "reason": repr(away)})
            return None

    async def _run(self, run: Run) -> None:
        if run.attempt == 1:
            assert run.started_at is not None
            late = (run.started_at - run.wanted_at).total_seconds()
            metrics.JOB_LATE_SECONDS.labels(run.job).observe(max(0.0, late))
        job = self._jobs.get(run.job)
        if job is None:
            await self._settle(run, UNKNOWN_JOB)
            return
        working = asyncio.create_task(self._work_on(job, run))
        beating = asyncio.create_task(self._beat(run, working))
        self._at_work.add(working)
        if self._is_stopping:
            working.cancel()
        try:
            await asyncio.wait((working,))
        finally:
            self._at_work.discard(working)
            beating.cancel()
            await asyncio.wait((beating,))
        await self._note(job, run, working)

    async def _work_on(self, job: Job, run: Run) -> None:
        bound = asyncio.timeout(job.takes_max.total_seconds())
        try:
            async with bound:
                await job.run(self._work(run))
        except TimeoutError as late:
            if bound.expired():
                raise TookTooLong(f"{job.name} did not end within {job.takes_max}") from late
            raise

    async def _beat(self, run: Run, working: "asyncio.Task[None]") -> None:
        """Keep the lease; stop the work once another has taken the run over."""
        while True:
            await asyncio.sleep(self._pace.lease_seconds / 3)
            try:
                async with self._database.connection() as db:
                    await runs.renew(db, run, lease_seconds=self._pace.lease_seconds)
            except RunLost:
                working.cancel()
                return
            except AWAY:
                continue

    async def _note(self, job: Job, run: Run, working: "asyncio.Task[None]") -> None:
        if working.cancelled():
            await self._put_back(run, at_once=True)
            return
        match working.exception():
            case None:
                await self._settle(run, None)
            case RunLost() as lost:
                logger.warning("run lost", extra={"job": run.job, "reason": str(lost)})
            case away if isinstance(away, AWAY) and run.setbacks < runs.SETBACKS_MAX:
                logger.warning("run waits", extra={"job": run.job, "reason": repr(away)})
                await self._put_back(run, at_once=False)
            case failure:
                await self._fail(job, run, failure)

    async def _fail(self, job: Job, run: Run, failure: BaseException | None) -> None:
        """Have the run tried again after a pause, or failed for good once it was tried often enough."""
        extra = {"job": run.job, "due_at": run.due_at}
        pause = job.retries.pause(run.failures + 1)
        if pause is None:
            logger.error("run failed", extra=extra, exc_info=failure)
            await self._settle(run, _code(failure))
            return
        seconds = pause.total_seconds()
        logger.warning("run failed and is tried again", extra={**extra, "seconds": seconds}, exc_info=failure)
        metrics.JOB_RUNS.labels(run.job, "retried").inc()
        try:
            async with self._database.connection() as db:
                await runs.rest(db, run, error_code=_code(failure), seconds=seconds)
        except (RunLost, *AWAY) as gone:
            # Its lease runs out by itself.
            logger.warning("run not put back", extra={"job": run.job, "reason": repr(gone)})

    async def _put_back(self, run: Run, *, at_once: bool) -> None:
        try:
            async with self._database.connection() as db:
                await runs.release(db, run, at_once=at_once)
        except (RunLost, *AWAY) as gone:
            # Its lease runs out by itself.
            logger.warning("run not put back", extra={"job": run.job, "reason": repr(gone)})

    async def _settle(self, run: Run, error_code: str | None) -> None:
        """Write the end down; while the database is away, try for as long as the lease could last."""
        try:
            async with asyncio.timeout(self._pace.lease_seconds):
                seconds = await self._finished(run, error_code)
        except (RunLost, TimeoutError) as lost:
            logger.warning("run lost", extra={"job": run.job, "reason": repr(lost)})
            return
        metrics.JOB_RUNS.labels(run.job, "failed" if error_code else "done").inc()
        metrics.JOB_SECONDS.labels(run.job).observe(seconds)

    async def _finished(self, run: Run, error_code: str | None) -> float:
        while True:
            try:
                async with self._database.connection() as db:
                    return await runs.finish(db, run, error_code=error_code)
            except AWAY:
                await asyncio.sleep(SETTLE_PAUSE_SECONDS)


def _code(failure: BaseException | None) -> str:
    match failure:
        case Refused():
            return failure.code
        case TookTooLong():
            return runs.TOO_LONG
    return type(failure).__name__
