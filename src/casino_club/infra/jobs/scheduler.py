"""The timetable at work: APScheduler wakes us at due times, the rows say which runs that makes, Celery gets them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from casino_club.infra.db.database import SERVER_AWAY, Database
from casino_club.infra.jobs import runs, timetable
from casino_club.infra.jobs.broker import Sender
from casino_club.infra.jobs.job import CatchUp, Job
from casino_club.infra.jobs.leader import lead
from casino_club.infra.jobs.runs import PACE, Pace
from casino_club.infra.jobs.times import LATE_MAX, next_due
from casino_club.infra.telemetry import metrics

logger = logging.getLogger(__name__)

CLOCK_SET = timedelta(seconds=5)
"""What clocks are adjusted by without our noticing; more, at once, and somebody has set them."""


class DueTimes(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A job's due times, as APScheduler asks for them."""

    __slots__ = ("job", "zone")

    def __init__(self, job: Job, zone: ZoneInfo) -> None:
        self.job, self.zone = job, zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return next_due(self.job, after=previous_fire_time or now, zone=self.zone)


class Scheduler:
    """Writes and sends runs while it leads. Everything it remembers is in the rows, so any other can go on."""

    def __init__(
        self,
        jobs: Sequence[Job],
        database: Database,
        sender: Sender,
        *,
        zone: ZoneInfo,
        pace: Pace = PACE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._database = database
        self._sender = sender
        self._zone = zone
        self._pace = pace
        self._clock = clock
        self._punctual = [job.name for job in jobs if job.catch_up is CatchUp.NONE]
        self._unwritten: set[str] = set()
        self._turn = asyncio.Lock()

    async def keep(self) -> None:
        """Lead whenever it is our turn, until cancelled."""
        await lead(self._database, self._keep, try_seconds=self._pace.look_seconds)

    async def _keep(self) -> None:
        """Keep the timetable; anew whenever the clock was set, since APScheduler waits for instants of the old one."""
        while True:
            async with self._kept():
                await self._until_clock_is_set()
            logger.warning("the clock was set; the timetable begins anew")

    async def _until_clock_is_set(self) -> None:
        """Waits until the clock has not gone along with the time that passed."""
        while True:
            before, began = self._clock(), time.monotonic()
            await asyncio.sleep(self._pace.look_seconds)
            passed = timedelta(seconds=time.monotonic() - began)
            if abs(self._clock() - before - passed) > CLOCK_SET:
                return

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        # What was missed while nobody led is written first; from then on each due time at its moment.
        self._unwritten = set(self._jobs)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        held = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})
        for job in self._jobs.values():
            held.add_job(self._at_due_time, DueTimes(job, self._zone), args=(job.name,), name=job.name)
        look = timedelta(seconds=self._pace.look_seconds)
        held.add_job(self.look, "interval", seconds=look.total_seconds(), next_run_time=self._clock(), name="look")
        held.start()
        try:
            yield
        finally:
            held.shutdown(wait=False)

    async def _at_due_time(self, name: str) -> None:
        self._unwritten.add(name)
        await self.look()

    async def look(self) -> None:
        """Write what has become due, then send what waits. What fails is tried again at the next look."""
        async with self._turn:
            try:
                for name in sorted(self._unwritten):
                    await timetable.fill(self._database, self._jobs[name], zone=self._zone, now=self._clock())
                    self._unwritten.discard(name)
                await self._send()
            except SERVER_AWAY as away:
                logger.warning("the timetable waits", extra={"reason": repr(away)})

    async def _send(self) -> None:
        async with self._database.transaction() as db:
            lost = await runs.give_up_lost(db)
            late = await runs.give_up_late(db, self._punctual, before=self._clock() - LATE_MAX)
            found = await runs.to_send(db, resend_seconds=self._pace.resend_seconds)
        for name, code in [(name, runs.LOST) for name in lost] + [(name, runs.TOO_LATE) for name in late]:
            logger.error("run given up", extra={"job": name, "error_code": code})
            metrics.JOB_RUNS.labels(name, "failed").inc()
        if found:
            in_vain = await asyncio.to_thread(self._sender.send, found)
            if in_vain:
                async with self._database.transaction() as db:
                    await runs.not_sent(db, in_vain)
