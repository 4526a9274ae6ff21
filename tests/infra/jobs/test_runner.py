"""Whoever runs a run keeps its lease, stops what was taken over or takes too long, and writes down how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.job import HOUR, Retries, Work, job
from casino_club.infra.jobs.runner import UNKNOWN_JOB, Runner
from casino_club.infra.jobs.runs import Pace, Run, State
from casino_club.infra.jobs.timetable import ask, standings
from casino_club.kernel.errors import Kind, Refused, Unavailable
from tests.builders.jobs import a_work
from tests.infra.log.following import eventually

QUICK = Pace(lease_seconds=0.3)


class NoLuck(Refused):
    code = "no_luck"
    kind = Kind.CONFLICT


async def due(database: Database, name: str = "a_job") -> Run:
    async with database.transaction() as db:
        run = await runs.add(db, name, datetime.now(UTC))
    assert run is not None
    return run


async def now(database: Database, run: Run) -> Run:
    async with database.connection() as db:
        return (await runs.by_ids(db, [run.id]))[0]


def runner(
    database: Database,
    body: Callable[[Work], Awaitable[None]],
    *,
    takes_max: timedelta = HOUR,
    retries: int = 0,
    pace: Pace = QUICK,
) -> Runner:
    declared = job("a_job", every=HOUR, about="A job.", takes_max=takes_max, retries=Retries(retries))(body)
    return Runner({"a_job": declared}, database, lambda _: a_work(database), pace=pace)


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_a_run_that_ends_well_is_done_and_counted(database: Database) -> None:
    before = counted("casino_club_job_runs_total", job="a_job", result="done")
    run = await due(database)

    async def nothing(_: Work) -> None:
        return

    await runner(database, nothing).run(run.job, run.due_at)
    await runner(database, nothing).run(run.job, run.due_at)

    found = await now(database, run)
    assert (found.state, found.attempt, found.error_code) == (State.DONE, 1, None)
    assert counted("casino_club_job_runs_total", job="a_job", result="done") == before + 1
    assert counted("casino_club_job_seconds_count", job="a_job") >= 1
    assert counted("casino_club_job_late_seconds_count", job="a_job") >= 1


@pytest.mark.parametrize(("failure", "code"), [(ValueError("no"), "ValueError"), (NoLuck("no"), "no_luck")])
async def test_a_failure_is_kept_by_its_code(database: Database, failure: Exception, code: str) -> None:
    run = await due(database)

    async def fail(_: Work) -> None:
        raise failure

    await runner(database, fail).run(run.job, run.due_at)

    found = await now(database, run)
    assert (found.state, found.error_code) == (State.FAILED, code)


async def test_a_run_that_failed_rests_longer_each_time_and_then_has_failed_for_good(database: Database) -> None:
    run = await due(database)

    async def fail(_: Work) -> None:
        raise ValueError("no")

    rests = []
    for _ in range(3):
        await runner(database, fail, retries=2).run(run.job, run.due_at)
        found = await now(database, run)
        await runner(database, fail, retries=2).run(run.job, run.due_at)
        assert (await now(database, run)).attempt == found.attempt
        rests.append(found.not_before and round((found.not_before - datetime.now(UTC)).total_seconds(), -1))
        async with database.transaction() as db:
            await db.execute("UPDATE job_runs SET not_before = clock_timestamp()")
            assert found.state is State.FAILED or await runs.to_send(db, resend_seconds=10)

    assert rests[:2] == [10, 20]
    assert (found.state, found.error_code, found.failures, found.attempt) == (State.FAILED, "ValueError", 2, 3)


async def test_a_run_that_rests_is_not_late_and_goes_on_at_once_when_staff_ask(database: Database) -> None:
    declared = job("a_job", every=HOUR, about="A job.")(_nothing)
    run = await due(database)
    async with database.transaction() as db:
        held = await runs.claim(db, run.job, None, lease_seconds=60)
        assert held is not None
        await runs.rest(db, held, error_code="no_luck", seconds=600)

        [standing] = await standings(db, [declared], zone=ZoneInfo("Asia/Seoul"), now=datetime.now(UTC))
        sent = await runs.to_send(db, resend_seconds=10)
        asked = await ask(db, declared, now=datetime.now(UTC))

    assert (standing.overdue_seconds, sent) == (0, [])
    assert (asked.id, asked.not_before) == (run.id, None)
    async with database.transaction() as db:
        assert await runs.claim(db, run.job, None, lease_seconds=60) is not None


async def _nothing(_: Work) -> None:
    return


async def test_a_run_that_is_stuck_is_ended_and_has_failed(database: Database) -> None:
    run = await due(database)

    async def hang(_: Work) -> None:
        await asyncio.Event().wait()

    await runner(database, hang, takes_max=timedelta(milliseconds=50)).run(run.job, run.due_at)

    found = await now(database, run)
    assert (found.state, found.error_code) == (State.FAILED, runs.TOO_LONG)


async def test_servers_that_are_away_put_a_run_back_until_it_was_tried_often_enough(database: Database) -> None:
    run = await due(database)

    async def wait(_: Work) -> None:
        raise Unavailable("not now")

    found = []
    for _ in range(runs.SETBACKS_MAX + 1):
        await runner(database, wait).run(run.job, run.due_at)
        found.append(await now(database, run))

    assert {each.state for each in found[:-1]} <= {State.DUE, State.FAILED}
    assert (found[-1].state, found[-1].error_code) == (State.FAILED, "unavailable")
    assert found[-1].setbacks == runs.SETBACKS_MAX


async def test_the_lease_is_kept_as_long_as_the_work_takes(database: Database) -> None:
    run, begun, may_end = await due(database), asyncio.Event(), asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        await may_end.wait()

    running = asyncio.create_task(runner(database, last).run(run.job, run.due_at))
    await begun.wait()
    first = (await now(database, run)).started_at
    assert first is not None
    await eventually(lambda: _seconds_passed(first, 3 * QUICK.lease_seconds))
    async with database.connection() as db:
        taken = await runs.claim(db, run.job, run.due_at, lease_seconds=60)
    may_end.set()
    await running

    assert taken is None
    assert (await now(database, run)).state is State.DONE


async def test_work_stops_once_another_has_taken_the_run_over(database: Database) -> None:
    run, begun, stopped = await due(database), asyncio.Event(), asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    running = asyncio.create_task(runner(database, last).run(run.job, run.due_at))
    await begun.wait()
    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET attempt = attempt + 1, lease_until = now() + interval '1 hour'")
    await running

    assert stopped.is_set()
    assert (await now(database, run)).state is State.RUNNING, "it is the other's now"


async def test_a_stop_puts_back_what_is_at_work_and_begins_nothing_more(database: Database) -> None:
    run, begun = await due(database), asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        await asyncio.Event().wait()

    at_work = runner(database, last)
    running = asyncio.create_task(at_work.run(run.job, run.due_at))
    await begun.wait()
    await at_work.stop()
    await running
    await at_work.run(run.job, run.due_at)

    found = await now(database, run)
    assert (found.state, found.attempt, found.setbacks) == (State.DUE, 1, 0)


async def test_a_job_that_the_code_has_no_more_fails_its_runs(database: Database) -> None:
    run = await due(database, "gone")

    async def nothing(_: Work) -> None:
        return

    await runner(database, nothing).run(run.job, run.due_at)

    assert (await now(database, run)).error_code == UNKNOWN_JOB


async def _seconds_passed(since: datetime, seconds: float) -> bool:
    return (datetime.now(UTC) - since).total_seconds() > seconds
