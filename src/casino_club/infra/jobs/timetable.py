"""Writes down when jobs are due: a row for each run, and per job how far that is done. Nothing is kept in memory.

Two who write at once find each other's rows: a due time has one run, whoever wrote it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from prometheus_client import Metric

from casino_club.infra.db.database import Database, Db
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.job import CatchUp, Job
from casino_club.infra.jobs.runs import Run
from casino_club.infra.jobs.times import due_times, next_due
from casino_club.infra.telemetry.metrics import sample
from casino_club.kernel.errors import Kind, Refused

CLOCK_BACK = timedelta(minutes=1)
"""Clocks of two schedulers may differ by less."""


class JobMissing(Refused):
    code = "job_missing"
    kind = Kind.MISSING


class JobPaused(Refused):
    code = "job_paused"
    kind = Kind.CONFLICT


class JobStanding(NamedTuple):
    """How a job stands. `overdue_seconds` is 0 unless a due time has passed and nobody has begun its run."""

    job: Job
    paused_at: datetime | None
    next_due_at: datetime | None
    overdue_seconds: float
    last_run: Run | None
    last_done_at: datetime | None


async def fill(database: Database, job: Job, *, zone: ZoneInfo, now: datetime) -> list[Run]:
    """Write down the runs that have become due since the last time; the new ones. A job that rests passes them by."""
    async with database.transaction() as db:
        await db.execute(
            "INSERT INTO job_timetables (job, filled_to) VALUES ($1, $2) ON CONFLICT (job) DO NOTHING", job.name, now
        )
        row = await db.fetchrow("SELECT filled_to, paused_at FROM job_timetables WHERE job = $1 FOR UPDATE", job.name)
        assert row is not None
        filled_to, paused_at = row
        if filled_to - now > CLOCK_BACK:
            # Written while a clock was ahead. Due times that have a run keep it; the others must not be passed by.
            await db.execute("UPDATE job_timetables SET filled_to = $2 WHERE job = $1", job.name, now)
        due = [] if paused_at else due_times(job, after=filled_to, until=now, zone=zone)
        if now > filled_to:
            await db.execute("UPDATE job_timetables SET filled_to = $2 WHERE job = $1", job.name, now)
        return await _added(db, job, due)


async def _added(db: Db, job: Job, due: Sequence[datetime]) -> list[Run]:
    if job.catch_up is not CatchUp.EVERY and await runs.waiting(db, job.name):
        return []
    added = [await runs.add(db, job.name, due_at) for due_at in due]
    return [run for run in added if run is not None]


async def ask(db: Db, job: Job, *, now: datetime) -> Run:
    """A run as soon as a worker is free: the one that waits for a worker already, or a new one."""
    if await db.fetchval("SELECT paused_at IS NOT NULL FROM job_timetables WHERE job = $1", job.name):
        raise JobPaused(f"{job.name} is paused; resume it first.")
    if waiting := await runs.waiting(db, job.name):
        return await runs.rouse(db, waiting)
    run = await runs.add(db, job.name, now, is_asked=True)
    assert run is not None, "runs that are due wait, and no other run has this very moment"
    return run


async def pause(db: Db, job: Job, *, now: datetime) -> None:
    """Let the job rest until it is resumed: due times pass without a run. A run at work goes on to its end."""
    await db.execute(
        """INSERT INTO job_timetables AS t (job, filled_to, paused_at) VALUES ($1, $2, $2)
           ON CONFLICT (job) DO UPDATE SET paused_at = coalesce(t.paused_at, excluded.paused_at)""",
        job.name,
        now,
    )


async def resume(db: Db, job: Job, *, now: datetime) -> None:
    """Let the job go on, from its next due time; runs that it was paused before are taken up."""
    await db.execute(
        """UPDATE job_timetables SET paused_at = NULL, filled_to = greatest(filled_to, $2)
           WHERE job = $1 AND paused_at IS NOT NULL""",
        job.name,
        now,
    )


def job_named(jobs: Sequence[Job], name: str) -> Job:
    """The job of this name."""
    for job in jobs:
        if job.name == name:
            return job
    raise JobMissing(f"There is no job {name}; there is {', '.join(sorted(job.name for job in jobs))}.")


async def standings(db: Db, jobs: Sequence[Job], *, zone: ZoneInfo, now: datetime) -> list[JobStanding]:
    """How each job stands, by name."""
    rows = await db.fetch(
        """SELECT names.job, t.filled_to, t.paused_at, last.id, done.at, waiting.since
           FROM unnest($1::text[]) AS names (job)
           LEFT JOIN job_timetables AS t USING (job)
           LEFT JOIN LATERAL (SELECT max(id) AS id FROM job_runs AS r WHERE r.job = names.job) AS last ON true
           LEFT JOIN LATERAL (SELECT max(finished_at) AS at FROM job_runs AS r
                              WHERE r.job = names.job AND r.state = 'done') AS done ON true
           LEFT JOIN LATERAL (SELECT min(coalesce(not_before, wanted_at)) AS since FROM job_runs AS r
                              WHERE r.job = names.job
                                AND (r.state = 'due' OR r.state = 'running' AND r.lease_until < clock_timestamp())
                             ) AS waiting ON true
           ORDER BY names.job""",
        [job.name for job in jobs],
    )
    last_runs = {run.job: run for run in await runs.by_ids(db, [row[3] for row in rows if row[3] is not None])}
    found = []
    for name, filled_to, paused_at, _, done_at, waiting_since in rows:
        job = job_named(jobs, name)
        unwritten = next_due(job, after=filled_to, zone=zone) if filled_to else now
        since = now if paused_at else min(waiting_since or now, unwritten)
        next_due_at = None if paused_at else next_due(job, after=now, zone=zone)
        overdue_seconds = max(0.0, (now - since).total_seconds())
        found.append(JobStanding(job, paused_at, next_due_at, overdue_seconds, last_runs.get(name), done_at))
    return found


async def job_metrics(database: Database, jobs: Sequence[Job], *, zone: ZoneInfo, now: datetime) -> Iterable[Metric]:
    """How late each job is and when it last ended well, for a scrape. It tells also when no scheduler runs at all."""
    async with database.connection() as db:
        found = await standings(db, jobs, zone=zone, now=now)
    return [
        sample("casino_club_job_overdue_seconds", {(each.job.name,): each.overdue_seconds for each in found}),
        sample(
            "casino_club_job_last_success_timestamp_seconds",
            {(each.job.name,): each.last_done_at.timestamp() for each in found if each.last_done_at},
        ),
    ]
