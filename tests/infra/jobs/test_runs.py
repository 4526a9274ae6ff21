"""A run is a row: claimed once, held by a lease, and moved by nobody but who holds it."""

import asyncio
from datetime import timedelta

import pytest

from casino_club.infra.db.database import Database, Db
from casino_club.infra.jobs import runs, timetable
from casino_club.infra.jobs.job import Job, Work, job
from casino_club.infra.jobs.runs import Run, RunLost, RunMissing, RunNotFailed, State
from tests.builders.actions import NOON


async def nothing(_: Work) -> None:
    return


def a_job(name: str = "a_job") -> Job:
    return job(name, every=timedelta(hours=1), about="A job.")(nothing)


async def due(database: Database, *, minutes: int = 0, name: str = "a_job") -> Run:
    async with database.transaction() as db:
        run = await runs.add(db, name, NOON + timedelta(minutes=minutes))
    assert run is not None
    return run


async def claim(database: Database, run: Run, *, lease_seconds: float = 60.0) -> Run | None:
    async with database.transaction() as db:
        return await runs.claim(db, run.job, run.due_at, lease_seconds=lease_seconds)


async def claimed(database: Database, run: Run, *, lease_seconds: float = 60.0) -> Run:
    found = await claim(database, run, lease_seconds=lease_seconds)
    assert found is not None
    return found


async def sent(database: Database) -> list[str]:
    async with database.transaction() as db:
        return sorted(name for name, _ in await runs.to_send(db, resend_seconds=60.0))


async def now(database: Database, run: Run) -> Run:
    async with database.connection() as db:
        return (await runs.by_ids(db, [run.id]))[0]


async def test_a_due_time_has_one_run(database: Database) -> None:
    await due(database)

    async with database.transaction() as db:
        assert await runs.add(db, "a_job", NOON) is None


async def test_of_many_who_claim_a_run_one_gets_it(database: Database) -> None:
    run = await due(database)

    found = await asyncio.gather(*(claim(database, run) for _ in range(8)))

    assert sorted(each.attempt for each in found if each is not None) == [1]


async def test_runs_of_one_job_never_overlap(database: Database) -> None:
    first, second = await due(database), await due(database, minutes=1)

    found = await asyncio.gather(claim(database, first), claim(database, second))

    assert len([each for each in found if each is not None]) == 1


async def test_a_run_whose_lease_ran_out_is_taken_over_and_goes_on_at_its_key(database: Database) -> None:
    held = await claimed(database, await due(database), lease_seconds=0.0)
    async with database.transaction() as db:
        await runs.reach(db, held, "user 7")

    taken = await claimed(database, held)

    assert (taken.attempt, taken.setbacks, taken.progress) == (2, 1, "user 7")
    async with database.connection() as db:
        for move in (
            runs.renew(db, held, lease_seconds=60),
            runs.reach(db, held, "user 8"),
            runs.finish(db, held),
            runs.release(db, held, at_once=True),
        ):
            with pytest.raises(RunLost):
                await move
    assert (await now(database, held)).progress == "user 7"


async def test_a_lost_run_takes_its_chunk_with_it(database: Database) -> None:
    held = await claimed(database, await due(database), lease_seconds=0.0)
    await claimed(database, held)

    async def chunk(db: Db) -> None:
        await db.execute("UPDATE job_runs SET error_code = 'chunk'")
        await runs.reach(db, held, "user 8")

    with pytest.raises(RunLost):
        await database.run(chunk)

    assert (await now(database, held)).error_code is None


async def test_a_run_that_takes_down_every_worker_is_given_up(database: Database) -> None:
    held = await due(database)
    for _ in range(runs.SETBACKS_MAX + 1):
        held = await claimed(database, held, lease_seconds=0.0)

    async with database.transaction() as db:
        assert await runs.give_up_lost(db) == ["a_job"]

    assert (await now(database, held)).state is State.FAILED
    assert (await now(database, held)).error_code == runs.LOST


async def test_a_run_is_sent_once_and_again_when_nobody_begins_it(database: Database) -> None:
    run = await due(database)
    assert await sent(database) == ["a_job"]
    assert await sent(database) == []

    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET sent_at = sent_at - interval '61 seconds'")
    assert await sent(database) == ["a_job"]

    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET sent_at = sent_at - interval '61 seconds'")
    assert await sent(database) == [], "each message in vain doubles the wait"
    await claimed(database, run, lease_seconds=60.0)
    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET sent_at = sent_at - interval '1 day'")
    assert await sent(database) == [], "it is at work"


async def test_a_run_at_work_keeps_the_next_one_waiting_and_a_dead_one_goes_first(database: Database) -> None:
    first = await due(database)
    await due(database, minutes=1)
    await due(database, name="another")

    await claimed(database, first, lease_seconds=60.0)
    assert await sent(database) == ["another"]

    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET lease_until = now() WHERE state = 'running'")
        assert await runs.to_send(db, resend_seconds=60.0) == [("a_job", first.due_at)]


async def test_a_job_that_rests_is_neither_sent_nor_begun(database: Database) -> None:
    run = await due(database)
    async with database.transaction() as db:
        await timetable.pause(db, a_job(), now=NOON)

    assert await sent(database) == []
    assert await claim(database, run) is None

    async with database.transaction() as db:
        await timetable.resume(db, a_job(), now=NOON)
    assert await sent(database) == ["a_job"]


async def test_a_failed_run_is_wanted_again_behind_its_key(database: Database) -> None:
    held = await claimed(database, await due(database))
    async with database.transaction() as db:
        await runs.reach(db, held, "user 7")
        await runs.finish(db, held, error_code="no_luck")
        with pytest.raises(RunMissing):
            await runs.retry(db, held.id + 1, now=NOON)
        again = await runs.retry(db, held.id, now=NOON + timedelta(hours=1))
        with pytest.raises(RunNotFailed):
            await runs.retry(db, held.id, now=NOON)

    assert (again.state, again.wanted_at, again.progress) == (State.DUE, NOON + timedelta(hours=1), "user 7")
    assert (await claimed(database, held)).attempt == 2, "who held it before can't take the new attempt for its own"


async def test_a_run_that_may_not_be_late_fails_as_too_late(database: Database) -> None:
    run, asked = await due(database), await due(database, name="another")
    async with database.transaction() as db:
        await db.execute("UPDATE job_runs SET is_asked = true WHERE id = $1", asked.id)
        late = await runs.give_up_late(db, ["a_job", "another"], before=NOON + timedelta(seconds=1))

    assert late == ["a_job"]
    assert (await now(database, run)).error_code == runs.TOO_LATE
    assert (await now(database, asked)).state is State.DUE
