"""What staff see of the machine and what they may do about it: jobs and runs, readers, parked rows, health."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NotRequired, TypedDict
from zoneinfo import ZoneInfo

import msgspec

from casino_club.features.operations import store
from casino_club.features.operations.commands import conservation, staff
from casino_club.features.operations.schemas import (
    AuditPage,
    AuditQuery,
    ConservationOut,
    ConservationQuery,
    DeedOut,
    Health,
    HolderOut,
    JobOut,
    JobsOut,
    Name,
    ParkedOut,
    ParkedPage,
    ParkedQuery,
    PositionsOut,
    ReaderOut,
    RetriedOut,
    RunOut,
    RunsPage,
    RunsQuery,
    job_out,
    minute_out,
    run_out,
)
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.infra.jobs import leader, runs, timetable
from casino_club.infra.jobs.job import Job
from casino_club.infra.log import lag, parked
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.subscribe import Subscription
from casino_club.kernel.subject import Role, Scope, Subject

Clock = Callable[[], datetime]
Jobs = Sequence[Job]
Subscriptions = Sequence[Subscription]
HealthLook = Callable[[], Awaitable[dict[str, object]]]

routes = Routes(tags=["operations"])


class Callers(TypedDict):
    """Who may call."""

    audience: Audience
    roles: NotRequired[Sequence[Role]]
    scope: NotRequired[Scope]


READERS: Callers = {
    "audience": Audience.STAFF,
    "roles": (Role.SUPPORT, Role.ADMIN),
    "scope": Scope.OPERATIONS_READ,
}
WRITERS: Callers = {"audience": Audience.STAFF, "roles": (Role.ADMIN,), "scope": Scope.OPERATIONS_WRITE}


@routes.get("/api/admin/jobs", **READERS, summary="Jobs, with next due times and last runs", answers={200: JobsOut})
async def read_jobs(database: Database, jobs: Jobs, zone: ZoneInfo, clock: Clock) -> JobsOut:
    async with database.connection() as db:
        found = await timetable.standings(db, jobs, zone=zone, now=clock())
        return JobsOut([job_out(each) for each in found], await leader.has_leader(db))


@routes.get(
    "/api/admin/jobs/{name}/runs",
    **READERS,
    summary="A job's runs, newest first",
    query=RunsQuery,
    answers={200: RunsPage},
    refusals=(timetable.JobMissing,),
)
async def read_runs(name: Name, query: RunsQuery, database: Database, jobs: Jobs) -> RunsPage:
    job = timetable.job_named(jobs, name)
    async with database.connection() as db:
        found = await runs.runs_of(db, job.name, before_id=query.cursor, limit=query.limit)
    return RunsPage([run_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.post(
    "/api/admin/jobs/{name}/run",
    **WRITERS,
    summary="Run a job as soon as a worker is free",
    answers={202: RunOut},
    refusals=(timetable.JobMissing, timetable.JobPaused),
)
async def ask_for_run(name: Name, subject: Subject, database: Database, jobs: Jobs, clock: Clock) -> tuple[int, RunOut]:
    ask = partial(staff.ask_for_run, jobs=jobs, name=name, by=subject, now=clock())
    return 202, run_out(await database.run(ask))


@routes.post(
    "/api/admin/jobs/{name}/pause",
    **WRITERS,
    summary="Let a job rest until it is resumed",
    answers={200: JobOut},
    refusals=(timetable.JobMissing,),
)
async def pause_job(
    name: Name, subject: Subject, database: Database, jobs: Jobs, zone: ZoneInfo, clock: Clock
) -> JobOut:
    pause = partial(staff.pause, jobs=jobs, name=name, by=subject, zone=zone, now=clock())
    return job_out(await database.run(pause))


@routes.post(
    "/api/admin/jobs/{name}/resume",
    **WRITERS,
    summary="Let a paused job go on with its next due time",
    answers={200: JobOut},
    refusals=(timetable.JobMissing,),
)
async def resume_job(
    name: Name, subject: Subject, database: Database, jobs: Jobs, zone: ZoneInfo, clock: Clock
) -> JobOut:
    resume = partial(staff.resume, jobs=jobs, name=name, by=subject, zone=zone, now=clock())
    return job_out(await database.run(resume))


@routes.post(
    "/api/admin/runs/{run_id}/retry",
    **WRITERS,
    summary="Want a failed run again, behind the key that it reached",
    answers={202: RunOut},
    refusals=(runs.RunMissing, runs.RunNotFailed),
)
async def retry_run(run_id: Id, subject: Subject, database: Database, clock: Clock) -> tuple[int, RunOut]:
    retry = partial(staff.retry_run, run_id=run_id, by=subject, now=clock())
    return 202, run_out(await database.run(retry))


@routes.get(
    "/api/admin/log/positions",
    **READERS,
    summary="How far each reader of the log is, and who holds them back",
    answers={200: PositionsOut},
)
async def read_positions(database: Database) -> PositionsOut:
    async with database.connection() as db:
        readers, holder = await lag.lags(db), await lag.oldest_transaction(db)
    return PositionsOut([ReaderOut(*each) for each in readers], HolderOut(*holder) if holder else None)


@routes.get(
    "/api/admin/parked-rows",
    **READERS,
    summary="Rows that a consumer could not apply, in the order of the log",
    query=ParkedQuery,
    answers={200: ParkedPage},
)
async def read_parked(query: ParkedQuery, database: Database) -> ParkedPage:
    after_id, after_consumer = query.after
    async with database.connection() as db:
        rows = await parked.parked_rows(
            db, consumer=query.consumer, after_id=after_id, after_consumer=after_consumer, limit=query.limit
        )
    cursor = f"{rows[-1].action_id}:{rows[-1].consumer}" if len(rows) == query.limit else None
    return ParkedPage([ParkedOut(*row) for row in rows], cursor)


@routes.post(
    "/api/admin/parked-rows/{consumer}/{action_id}/retry",
    **WRITERS,
    summary="Apply a parked row again, once its cause is mended",
    answers={200: RetriedOut},
    refusals=(staff.ConsumerMissing, staff.ParkedRowMissing),
)
async def retry_parked(
    consumer: Name, action_id: Id, subject: Subject, stores: Stores, subscriptions: Subscriptions, clock: Clock
) -> RetriedOut:
    retried = await staff.retry_parked(stores, subscriptions, consumer, action_id, by=subject, now=clock())
    return RetriedOut(retried.applied, retried.parked_again, retried.out_of_reach)


@routes.post(
    "/api/admin/parked-rows/{consumer}/{action_id}/drop",
    **WRITERS,
    summary="Give a parked row up: this consumer will never apply it",
    answers={204: None},
    refusals=(staff.ParkedRowMissing,),
)
async def drop_parked(
    consumer: Name, action_id: Id, subject: Subject, database: Database, clock: Clock
) -> tuple[int, None]:
    drop = partial(staff.drop_parked, consumer=consumer, action_id=action_id, by=subject, now=clock())
    await database.run(drop)
    return 204, None


@routes.get(
    "/api/admin/health", **READERS, summary="What runs, what does not, and what to do about it", answers={200: Health}
)
async def read_platform_health(health: HealthLook) -> Health:
    return msgspec.convert(await health(), Health)


@routes.get(
    "/api/admin/audit",
    audience=Audience.STAFF,
    roles=(Role.ADMIN,),
    summary="What staff, their programs and the command line did, newest first",
    query=AuditQuery,
    answers={200: AuditPage},
)
async def read_audit(query: AuditQuery, database: Database) -> AuditPage:
    async with database.connection() as db:
        found = await deeds.listed(
            db,
            actor=query.actor,
            verb=query.verb,
            target=query.target,
            since=query.since,
            until=query.until,
            before_id=query.cursor,
            limit=query.limit,
        )
    return AuditPage([DeedOut(*each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/admin/conservation",
    **READERS,
    summary="What became of every action, by the minute it was stored in, newest first",
    query=ConservationQuery,
    answers={200: ConservationOut},
)
async def read_conservation(
    query: ConservationQuery, database: Database, clock: Clock, in_flight: Callable[[], int]
) -> ConservationOut:
    now, is_open = clock(), True if query.state == "open" else None
    async with database.connection() as db:
        standing = await conservation.standing(db, now=now)
        minutes = await store.newest_minutes(db, before=query.cursor, is_open=is_open, limit=query.limit)
    return ConservationOut(
        standing.open_minutes == 0,
        standing.sentence,
        standing.taken_at,
        standing.open_minutes,
        in_flight(),
        [minute_out(each, now=now) for each in minutes],
        minutes[-1].minute if len(minutes) == query.limit else None,
    )
