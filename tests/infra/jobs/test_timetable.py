"""The timetable is in rows: what is due is written once, whoever writes, and nothing that was missed vanishes."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import Metric

from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs, timetable
from casino_club.infra.jobs.job import CatchUp, Job, Work, job
from casino_club.infra.jobs.runs import Run
from casino_club.infra.jobs.timetable import JobMissing, JobPaused, JobStanding

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def nothing(_: Work) -> None:
    return


def hourly(catch_up: CatchUp = CatchUp.EVERY) -> Job:
    return job("hourly", every=HOUR, about="A job.", catch_up=catch_up)(nothing)


async def fill(database: Database, each: Job, now: datetime) -> list[datetime]:
    return [run.due_at for run in await timetable.fill(database, each, zone=SEOUL, now=now)]


async def standing(database: Database, each: Job, now: datetime) -> JobStanding:
    async with database.connection() as db:
        (found,) = await timetable.standings(db, [each], zone=SEOUL, now=now)
    return found


async def all_runs(database: Database) -> list[Run]:
    async with database.connection() as db:
        return await runs.runs_of(db, "hourly")


async def test_a_new_job_begins_with_its_next_due_time(database: Database) -> None:
    assert await fill(database, hourly(), NOON) == []
    assert await fill(database, hourly(), NOON + HOUR) == [NOON + HOUR]


async def test_three_due_times_missed_are_three_runs(database: Database) -> None:
    await fill(database, hourly(), NOON)

    assert await fill(database, hourly(), NOON + 3.5 * HOUR) == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert await fill(database, hourly(), NOON + 3.6 * HOUR) == []


async def test_many_who_write_at_once_write_each_run_once(database: Database) -> None:
    await fill(database, hourly(), NOON)

    found = await asyncio.gather(*(fill(database, hourly(), NOON + 3 * HOUR) for _ in range(6)))

    assert sorted(due for one in found for due in one) == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert len(await all_runs(database)) == 3


async def test_one_run_stands_for_all_where_the_latest_is_enough(database: Database) -> None:
    each = hourly(CatchUp.LATEST)
    await fill(database, each, NOON)

    assert await fill(database, each, NOON + 3 * HOUR) == [NOON + 3 * HOUR]
    assert await fill(database, each, NOON + 5 * HOUR) == [], "the one before has not begun, and will do"


async def test_runs_are_not_written_again_after_they_are_forgotten(database: Database) -> None:
    await fill(database, hourly(), NOON)
    await fill(database, hourly(), NOON + HOUR)
    async with database.transaction() as db:
        await db.execute("DELETE FROM job_runs")

    assert await fill(database, hourly(), NOON + HOUR) == []


async def test_due_times_pass_a_paused_job_by(database: Database) -> None:
    await fill(database, hourly(), NOON)
    async with database.transaction() as db:
        await timetable.pause(db, hourly(), now=NOON + HOUR / 2)

    assert await fill(database, hourly(), NOON + 3 * HOUR) == []
    seen = await standing(database, hourly(), NOON + 3 * HOUR)
    assert (seen.paused_at, seen.next_due_at, seen.overdue_seconds) == (NOON + HOUR / 2, None, 0)
    async with database.transaction() as db:
        with pytest.raises(JobPaused):
            await timetable.ask(db, hourly(), now=NOON)
        await timetable.resume(db, hourly(), now=NOON + 3.5 * HOUR)
    assert await fill(database, hourly(), NOON + 4 * HOUR) == [NOON + 4 * HOUR]


async def test_pausing_twice_keeps_the_first_moment_and_a_job_nobody_saw_can_be_paused(database: Database) -> None:
    async with database.transaction() as db:
        await timetable.pause(db, hourly(), now=NOON)
        await timetable.pause(db, hourly(), now=NOON + HOUR)

    assert (await standing(database, hourly(), NOON)).paused_at == NOON


async def test_whoever_asks_twice_for_a_run_gets_the_one_that_waits(database: Database) -> None:
    async with database.transaction() as db:
        first = await timetable.ask(db, hourly(), now=NOON)
        second = await timetable.ask(db, hourly(), now=NOON + HOUR)

    assert first.id == second.id
    assert first.is_asked


async def test_a_clock_that_was_ahead_leaves_no_due_time_out(database: Database) -> None:
    await fill(database, hourly(), NOON + HOUR)
    await fill(database, hourly(), NOON)

    assert await fill(database, hourly(), NOON + 2 * HOUR) == [NOON + HOUR, NOON + 2 * HOUR]


async def test_after_a_clock_was_a_day_ahead_the_next_due_time_has_its_run_and_none_has_two(database: Database) -> None:
    each = hourly(CatchUp.LATEST)
    await fill(database, each, NOON)
    ahead = await fill(database, each, NOON + 24 * HOUR)
    async with database.transaction() as db:
        held = await runs.claim(db, "hourly", None, lease_seconds=60)
        assert held is not None
        await runs.finish(db, held)

    back = await fill(database, each, NOON)
    next_one = await fill(database, each, NOON + HOUR)

    assert (ahead, back, next_one) == ([NOON + 24 * HOUR], [], [NOON + HOUR])
    assert len(await all_runs(database)) == 2


async def test_a_job_is_overdue_while_its_run_waits(database: Database) -> None:
    await fill(database, hourly(), NOON)
    await fill(database, hourly(), NOON + HOUR)

    late = await standing(database, hourly(), NOON + HOUR + timedelta(seconds=90))
    async with database.transaction() as db:
        held = await runs.claim(db, "hourly", None, lease_seconds=60)
        assert held is not None
    at_work = await standing(database, hourly(), NOON + HOUR + timedelta(seconds=90))

    assert late.overdue_seconds == 90
    assert at_work.overdue_seconds == 0
    assert late.last_run is not None
    assert late.next_due_at == NOON + 2 * HOUR


async def test_a_job_is_overdue_while_nobody_writes_its_timetable(database: Database) -> None:
    await fill(database, hourly(), NOON)

    assert (await standing(database, hourly(), NOON + HOUR / 2)).overdue_seconds == 0
    assert (await standing(database, hourly(), NOON + HOUR + timedelta(minutes=5))).overdue_seconds == 300


def samples(metric: Metric) -> dict[str, float]:
    return {sample.labels["job"]: sample.value for sample in metric.samples}


async def test_late_runs_and_last_successes_are_metrics(database: Database) -> None:
    await fill(database, hourly(), NOON)
    await fill(database, hourly(), NOON + HOUR)
    now = NOON + HOUR + timedelta(seconds=45)

    overdue, success = await timetable.job_metrics(database, [hourly()], zone=SEOUL, now=now)
    assert (overdue.name, samples(overdue)) == ("casino_club_job_overdue_seconds", {"hourly": 45})
    assert samples(success) == {}

    async with database.transaction() as db:
        held = await runs.claim(db, "hourly", None, lease_seconds=60)
        assert held is not None
        await runs.finish(db, held)
    overdue, success = await timetable.job_metrics(database, [hourly()], zone=SEOUL, now=now)
    assert samples(overdue) == {"hourly": 0}
    assert samples(success)["hourly"] > NOON.timestamp() - 86_400 * 3_650


def test_a_job_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(JobMissing, match="There is no job weekly; there is hourly"):
        timetable.job_named([hourly()], "weekly")
