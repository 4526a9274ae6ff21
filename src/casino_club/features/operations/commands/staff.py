"""What staff do about jobs and parked rows."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.infra.jobs import runs, timetable
from casino_club.infra.jobs.job import Job
from casino_club.infra.jobs.runs import Run
from casino_club.infra.jobs.timetable import JobStanding
from casino_club.infra.log import parked
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.retry import Retried, retry
from casino_club.infra.log.subscribe import Subscription
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import Actor


class ParkedRowMissing(Refused):
    code = "parked_row_missing"
    kind = Kind.MISSING


class ConsumerMissing(Refused):
    code = "consumer_missing"
    kind = Kind.MISSING


async def ask_for_run(db: Db, jobs: Sequence[Job], name: str, *, by: Actor, now: datetime) -> Run:
    """A run of a job as soon as a worker is free."""
    run = await timetable.ask(db, timetable.job_named(jobs, name), now=now)

    await deeds.note(db, by, "ask_for_run", f"job:{name}", {"run_id": run.id}, now=now)
    return run


async def retry_run(db: Db, run_id: int, *, by: Actor, now: datetime) -> Run:
    """Want a failed run again."""
    run = await runs.retry(db, run_id, now=now)

    await deeds.note(db, by, "retry_run", f"run:{run_id}", {"job": run.job}, now=now)
    return run


async def pause(db: Db, jobs: Sequence[Job], name: str, *, by: Actor, zone: ZoneInfo, now: datetime) -> JobStanding:
    """Let a job rest; how it stands then."""
    job = timetable.job_named(jobs, name)

    await timetable.pause(db, job, now=now)

    (standing,) = await timetable.standings(db, [job], zone=zone, now=now)
    await deeds.note(db, by, "pause_job", f"job:{name}", now=now)
    return standing


async def resume(db: Db, jobs: Sequence[Job], name: str, *, by: Actor, zone: ZoneInfo, now: datetime) -> JobStanding:
    """Let a job go on; how it stands then."""
    job = timetable.job_named(jobs, name)

    await timetable.resume(db, job, now=now)

    (standing,) = await timetable.standings(db, [job], zone=zone, now=now)
    await deeds.note(db, by, "resume_job", f"job:{name}", now=now)
    return standing


async def retry_parked(
    stores: Stores, subscriptions: Sequence[Subscription], consumer: str, action_id: int, *, by: Actor, now: datetime
) -> Retried:
    """Apply a parked row once more. The deed is noted before, since the hot store takes part in no transaction."""
    chosen = next((each for each in subscriptions if each.name == consumer), None)
    if chosen is None:
        raise ConsumerMissing(f"There is no consumer {consumer}; its rows can only be dropped.")

    async def begin(db: Db) -> None:
        if not await parked.is_parked(db, consumer, action_id):
            raise ParkedRowMissing(f"{consumer} has no parked row {action_id}.")
        await deeds.note(db, by, "retry_parked", f"parked_row:{consumer}:{action_id}", now=now)

    await stores.database.run(begin)

    return await retry(chosen, stores, [action_id])


async def drop_parked(db: Db, consumer: str, action_id: int, *, by: Actor, now: datetime) -> None:
    """Give a parked row up: this consumer will never apply it. The log keeps the row."""
    if not await parked.release(db, consumer, action_id):
        raise ParkedRowMissing(f"{consumer} has no parked row {action_id}.")

    await deeds.note(db, by, "drop_parked", f"parked_row:{consumer}:{action_id}", now=now)
