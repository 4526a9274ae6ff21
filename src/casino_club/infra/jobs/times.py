"""When jobs are due. Only the job, the zone and the clock's reading decide, so that every scheduler agrees."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from casino_club.infra.jobs.job import DAY, CatchUp, Job
from casino_club.kernel.clock import EPOCH

LATE_MAX = timedelta(minutes=10)
"""A run that nobody wants to be caught up may begin so much late, since workers can be busy."""


def next_due(job: Job, *, after: datetime, zone: ZoneInfo) -> datetime:
    """The first due time after this instant.

    Intervals are counted from 1970, so that due times don't depend on who started when. A time of day that the clocks
    jump over is due as much later as they jump; one that comes twice is due the first time.
    """
    if job.every is not None:
        return EPOCH + ((after - EPOCH) // job.every + 1) * job.every
    assert job.daily_at is not None
    day = after.astimezone(zone).date() - DAY
    while (due := datetime.combine(day, job.daily_at.replace(fold=0), tzinfo=zone).astimezone(UTC)) <= after:
        day += DAY
    return due


def due_times(job: Job, *, after: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """Which due times in this span get a run, oldest first, by the job's way of catching up."""
    found, at = [], max(after, until - (job.catch_up_max + 1) * job.interval)
    while (at := next_due(job, after=at, zone=zone)) <= until:
        found.append(at)
    match job.catch_up:
        case CatchUp.EVERY:
            return found[-job.catch_up_max :]
        case CatchUp.LATEST:
            return found[-1:]
        case CatchUp.NONE:
            return [at for at in found[-1:] if until - at <= LATE_MAX]
