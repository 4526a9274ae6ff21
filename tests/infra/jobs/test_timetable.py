"""Jobs run at their times, one at a time among several processes, and a failure is only a missed turn."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from casino_club.infra.db.database import Database
from casino_club.infra.jobs.job import Job, Work, job
from casino_club.infra.jobs.timetable import JOB_LOCK, Result, keep, next_time, run_once
from tests.builders.actions import NOON, a_log


def work(database: Database) -> Work:
    return Work(database, a_log(database), {}, NOON, ())


def a_job(name: str, run: Callable[[Work], Awaitable[None]], *, seconds: float = 3600) -> Job:
    return job(name, every=timedelta(seconds=seconds), about="A job.")(run)


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_a_run_is_given_its_work_and_counted(database: Database) -> None:
    given: list[Work] = []

    async def note(work: Work) -> None:
        given.append(work)

    offered = work(database)
    result = await run_once(a_job("noted", note), offered)

    assert (result, given) == (Result.DONE, [offered])
    assert counted("casino_club_job_runs_total", job="noted", result="done") == 1
    assert counted("casino_club_job_seconds_count", job="noted") == 1
    assert counted("casino_club_job_last_success_timestamp_seconds", job="noted") > 1e9


async def test_a_failure_is_logged_and_counted_and_leaves_the_job_free(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Work) -> None:
        raise ValueError("no such luck")

    with caplog.at_level(logging.ERROR):
        results = [await run_once(a_job("luckless", fail), work(database)) for _ in range(2)]

    assert results == [Result.FAILED] * 2
    assert "no such luck" in caplog.text
    assert counted("casino_club_job_runs_total", job="luckless", result="failed") == 2
    assert counted("casino_club_job_last_success_timestamp_seconds", job="luckless") == 0


async def test_a_job_that_another_process_runs_is_left_alone(database: Database) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        await may_end.wait()

    first = asyncio.create_task(run_once(a_job("lasting", last), work(database)))
    await begun.wait()
    second = await run_once(a_job("lasting", last), work(database))
    may_end.set()

    assert (second, await first) == (Result.ELSEWHERE, Result.DONE)
    assert await run_once(a_job("lasting", last), work(database)) is Result.DONE


async def test_a_job_ends_when_the_session_that_keeps_others_out_is_gone(database: Database) -> None:
    begun = asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(run_once(a_job("cut", last), work(database)))
    await begun.wait()
    async with database.connection() as db:
        await db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            JOB_LOCK,
        )

    assert await running is Result.FAILED


async def test_stopping_stops_the_job_and_frees_it(database: Database) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def last(_: Work) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    running = asyncio.create_task(run_once(a_job("stopped", last), work(database)))
    await begun.wait()
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert stopped.is_set()
    async with database.connection() as db:
        assert await db.fetchval("SELECT pg_try_advisory_lock($1, hashtext('stopped'))", JOB_LOCK)


async def test_a_job_is_repeated_and_never_overlaps_itself(database: Database) -> None:
    at_once, most, runs, enough = 0, 0, 0, asyncio.Event()

    async def count(_: Work) -> None:
        nonlocal at_once, most, runs
        at_once, runs = at_once + 1, runs + 1
        most = max(most, at_once)
        await asyncio.sleep(0.03)
        at_once -= 1
        if runs == 5:
            enough.set()

    keeping = asyncio.create_task(keep([a_job("often", count, seconds=0.01)], lambda: work(database)))
    await enough.wait()
    keeping.cancel()
    await asyncio.wait([keeping])

    assert most == 1


@pytest.mark.parametrize(
    ("now", "next_due"), [(100.0, 130.0), (100.4, 130.0), (129.9, 130.0), (130.0, 160.0), (200.0, 220.0)]
)
def test_times_keep_their_distance_however_long_a_run_takes(now: float, next_due: float) -> None:
    assert next_time(100.0, 30.0, now) == next_due
