"""What staff do about jobs and parked rows."""

import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from casino_club.infra.db.database import Db
from casino_club.infra.jobs import timetable
from casino_club.infra.jobs.job import Job
from casino_club.infra.jobs.timetable import JobStanding
from casino_club.infra.log import parked
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.retry import Retried, retry
from casino_club.infra.log.subscribe import Subscription
from casino_club.kernel.errors import Kind, Refused

logger = logging.getLogger(__name__)


class ParkedRowMissing(Refused):
    code = "parked_row_missing"
    kind = Kind.MISSING


class ConsumerMissing(Refused):
    code = "consumer_missing"
    kind = Kind.MISSING


async def pause(db: Db, jobs: Sequence[Job], name: str, *, zone: ZoneInfo, now: datetime) -> JobStanding:
    """Let a job rest; how it stands then."""
    job = timetable.job_named(jobs, name)

    await timetable.pause(db, job, now=now)

    logger.info("job paused", extra={"job": name})
    (standing,) = await timetable.standings(db, [job], zone=zone, now=now)
    return standing


async def resume(db: Db, jobs: Sequence[Job], name: str, *, zone: ZoneInfo, now: datetime) -> JobStanding:
    """Let a job go on; how it stands then."""
    job = timetable.job_named(jobs, name)

    await timetable.resume(db, job, now=now)

    logger.info("job resumed", extra={"job": name})
    (standing,) = await timetable.standings(db, [job], zone=zone, now=now)
    return standing


async def retry_parked(stores: Stores, subscriptions: Sequence[Subscription], consumer: str, action_id: int) -> Retried:
    """Apply a parked row once more."""
    chosen = next((each for each in subscriptions if each.name == consumer), None)
    if chosen is None:
        raise ConsumerMissing(f"There is no consumer {consumer}; its rows can only be dropped.")
    async with stores.database.connection() as db:
        if not await parked.is_parked(db, consumer, action_id):
            raise ParkedRowMissing(f"{consumer} has no parked row {action_id}.")

    return await retry(chosen, stores, [action_id])


async def drop_parked(db: Db, consumer: str, action_id: int) -> None:
    """Give a parked row up: this consumer will never apply it. The log keeps the row."""
    if not await parked.release(db, consumer, action_id):
        raise ParkedRowMissing(f"{consumer} has no parked row {action_id}.")

    logger.warning("parked row dropped", extra={"consumer": consumer, "row": action_id})
