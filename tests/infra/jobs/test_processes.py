"""Schedulers and workers as processes, killed at bad moments: every due time has its run, and it is done once."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from casino_club.infra import children, runtime
from casino_club.infra.db.database import Database
from casino_club.infra.jobs import leader, runs, timetable
from casino_club.infra.jobs.runs import Run, State
from casino_club.infra.settings import Settings
from tests.builders.servers import forget, running_server
from tests.infra.jobs.acting import EVERY, NOTES, PACE, STEPS, ZONE, climb, fall, stumble, tick
from tests.infra.log.following import eventually
from tests.infra.waiting import runs as is_running
from tests.infra.waiting import until

REPO = Path(__file__).parents[3]


class Stage:
    """Starts and kills; reads what happened."""

    def __init__(self, database: Database, database_url: str, redis_url: str, folder: Path) -> None:
        self.database, self._urls, self._folder = database, (database_url, redis_url), folder
        self.started: list[subprocess.Popen[bytes]] = []

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self._start("scheduler")

    async def worker(self) -> subprocess.Popen[bytes]:
        process = self._start("worker")
        await until(lambda: self._ready_file(process).exists())
        return process

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        number = len(self.started)
        command = [
            sys.executable,
            "-m",
            "tests.infra.jobs.acting",
            role,
            *self._urls,
            str(self._folder / f"{number}.ready"),
        ]
        with (self._folder / f"{number}.log").open("wb") as log:
            self.started.append(subprocess.Popen(command, cwd=REPO, stdout=log, stderr=log))
        return self.started[-1]

    def _ready_file(self, process: subprocess.Popen[bytes]) -> Path:
        number = self.started.index(process)
        assert process.poll() is None, (self._folder / f"{number}.log").read_text()
        return self._folder / f"{number}.ready"

    async def runs(self, job: str = "tick") -> list[Run]:
        async with self.database.connection() as db:
            return (await runs.runs_of(db, job, limit=1_000))[::-1]

    async def done(self, job: str = "tick") -> list[datetime]:
        return [run.due_at for run in await self.runs(job) if run.state is State.DONE]

    async def notes(self, job: str = "tick") -> list[Any]:
        async with self.database.connection() as db:
            return await db.fetch("SELECT due_at, note, pid FROM notes WHERE job = $1 ORDER BY id", job)

    async def ask(self, each: Any) -> Run:
        async with self.database.transaction() as db:
            return await timetable.ask(db, each, now=datetime.now(UTC))

    async def one(self, run: Run) -> Run:
        async with self.database.connection() as db:
            return (await runs.by_ids(db, [run.id]))[0]

    async def has_leader(self) -> bool:
        async with self.database.connection() as db:
            return await leader.has_leader(db)


@pytest.fixture
async def stage(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with database.transaction() as db:
        await db.execute(NOTES)
    stage = Stage(database, database_url, redis_url, tmp_path)
    yield stage
    end(stage.started)


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    end([process])


def unbroken(due: list[datetime]) -> bool:
    """Every due time from the first to the last, each once."""
    return due == [due[0] + number * EVERY for number in range(len(due))]


def at_least(count: int, found: Callable[[], Awaitable[list[datetime]]]) -> Callable[[], Awaitable[object]]:
    async def holds() -> bool:
        return len(await found()) >= count

    return holds


async def test_a_scheduler_down_over_three_due_times_catches_them_all_up_once(stage: Stage) -> None:
    await stage.worker()
    first = stage.scheduler()
    await eventually(at_least(2, stage.done))
    kill(first)
    last = (await stage.runs())[-1].due_at

    await until(lambda: datetime.now(UTC) > last + 4 * EVERY)
    assert (await stage.runs())[-1].due_at == last
    stage.scheduler()
    await eventually(at_least(len(await stage.runs()) + 4, stage.done))

    due = [run.due_at for run in await stage.runs()]
    noted = [row[0] for row in await stage.notes()]
    assert unbroken(due)
    assert len(noted) == len(set(noted))


async def test_two_schedulers_and_two_workers_run_nothing_twice_and_one_takes_over_from_the_other(stage: Stage) -> None:
    leading = stage.scheduler()
    await eventually(stage.has_leader)
    stage.scheduler()
    await asyncio.gather(stage.worker(), stage.worker())
    await eventually(at_least(3, stage.done))
    killed_at = datetime.now(UTC)
    kill(leading)
    await eventually(at_least(len(await stage.runs()) + 3, stage.done))

    due = [run.due_at for run in await stage.runs()]
    noted = [row[0] for row in await stage.notes()]
    assert unbroken(due)
    assert due[-1] > killed_at
    assert len(noted) == len(set(noted))
    assert all(run.attempt <= 1 for run in await stage.runs())


async def test_a_job_killed_half_way_goes_on_at_its_key_in_another_worker(stage: Stage) -> None:
    stage.scheduler()
    first = await stage.worker()
    asked = await stage.ask(climb)
    await eventually(lambda: _has_note(stage, "climb", "step 2"))
    kill(first)

    await stage.worker()
    await eventually(at_least(1, lambda: stage.done("climb")))

    steps = [(row[1], row[2] == first.pid) for row in await stage.notes("climb")]
    assert steps == [(f"step {number}", number <= 2) for number in range(1, STEPS + 1)]
    run = await stage.one(asked)
    assert (run.attempt, run.setbacks, run.progress) == (2, 1, str(STEPS))


async def test_a_worker_that_is_told_to_stop_puts_its_run_back_at_once(stage: Stage) -> None:
    stage.scheduler()
    first = await stage.worker()
    asked = await stage.ask(climb)
    await eventually(lambda: _has_note(stage, "climb", "step 2"))

    first.send_signal(signal.SIGTERM)
    await until(lambda: first.poll() is not None, seconds_max=5)
    assert first.returncode == 0
    put_back = await stage.one(asked)
    await stage.worker()
    await eventually(at_least(1, lambda: stage.done("climb")))

    assert (put_back.state, put_back.setbacks) == (State.DUE, 0)
    assert len(await stage.notes("climb")) == STEPS


async def test_messages_that_are_lost_cost_a_moment_and_no_run(stage: Stage, redis_url: str) -> None:
    stage.scheduler()
    async with Redis.from_url(redis_url) as broker:
        await eventually(lambda: _is_sent(stage))
        await broker.flushall()
        await stage.worker()
        await eventually(at_least(2, stage.done))
        await broker.flushall()
        await eventually(at_least(len(await stage.runs()) + 2, stage.done))

    assert unbroken([run.due_at for run in await stage.runs()])


async def test_a_paused_job_rests_whoever_is_started_again(stage: Stage) -> None:
    scheduler, worker = stage.scheduler(), await stage.worker()
    await eventually(at_least(1, stage.done))
    async with stage.database.transaction() as db:
        await timetable.pause(db, tick, now=datetime.now(UTC))
    end([scheduler, worker])
    rested = len(await stage.runs())

    stage.scheduler()
    await stage.worker()
    asked = await stage.ask(fall)
    paused_until = datetime.now(UTC) + 3 * EVERY
    await eventually(lambda: _has_failed(stage, asked, attempt=3))
    await until(lambda: datetime.now(UTC) > paused_until)
    assert len(await stage.runs()) == rested

    async with stage.database.transaction() as db:
        await timetable.resume(db, tick, now=datetime.now(UTC))
    await eventually(at_least(rested + 1, stage.done))
    later = [run.due_at for run in await stage.runs() if run.due_at > paused_until - 3 * EVERY]
    assert unbroken(later)
    assert later[0] >= paused_until


async def test_a_failure_stays_with_its_run_and_staff_can_want_it_again(stage: Stage) -> None:
    stage.scheduler()
    await stage.worker()
    asked = await stage.ask(fall)
    await eventually(lambda: _has_failed(stage, asked, attempt=3))

    async with stage.database.transaction() as db:
        await runs.retry(db, asked.id, now=datetime.now(UTC))
    await eventually(lambda: _has_failed(stage, asked, attempt=6))

    run = await stage.one(asked)
    assert (run.state, run.error_code, run.attempt, run.failures) == (State.FAILED, "ValueError", 6, 2)


async def test_a_run_that_fails_is_tried_again_by_itself_behind_its_key(stage: Stage) -> None:
    stage.scheduler()
    await stage.worker()
    asked = await stage.ask(stumble)
    await eventually(lambda: _is_done(stage, asked))

    run = await stage.one(asked)
    assert (run.state, run.error_code, run.attempt, run.failures) == (State.DONE, None, 3, 2)
    assert [each["note"] for each in await stage.notes("stumble")] == ["from the beginning", "after 1", "after 2"]


async def test_without_a_worker_runs_are_late_and_the_alarm_metric_says_how_much(stage: Stage) -> None:
    stage.scheduler()
    await eventually(lambda: _is_sent(stage))
    first = (await stage.runs())[0].due_at

    async def overdue() -> float:
        found = await timetable.job_metrics(stage.database, [tick], zone=ZONE, now=datetime.now(UTC))
        return float(next(iter(found)).samples[0].value)

    late = await overdue()
    assert 0 < late <= (datetime.now(UTC) - first).total_seconds()
    await stage.worker()
    await eventually(lambda: _is_below(overdue, late))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[Any, ExitStack]]:
    """A Redis that the test may kill."""
    settings = Settings.model_validate({"mode": "embedded", "data_dir": tmp_path / "data"})
    (process,) = [each for each in runtime.servers(settings) if each.name == "redis"]
    with ExitStack() as stack:
        stack.enter_context(running_server(process, tmp_path / "data"))
        yield settings, stack
    forget(tmp_path / "data")


async def test_workers_and_schedulers_come_back_to_a_redis_that_was_killed(
    database: Database, database_url: str, own_redis: tuple[Settings, ExitStack], tmp_path: Path
) -> None:
    settings, servers = own_redis
    async with database.transaction() as db:
        await db.execute(NOTES)
    stage = Stage(database, database_url, runtime.redis_url(settings), tmp_path)
    stage.scheduler()
    await stage.worker()
    await eventually(at_least(2, stage.done))
    async with Redis.from_url(runtime.redis_url(settings)) as broker:
        pid = (await broker.info("server"))["process_id"]

    children.end_group(pid, signal.SIGKILL)
    (process,) = [each for each in runtime.servers(settings) if each.name == "redis"]
    await until(lambda: not is_running(pid))
    servers.enter_context(running_server(process, tmp_path / "data"))
    await eventually(at_least(len(await stage.runs()) + 3, stage.done))

    noted = [row[0] for row in await stage.notes()]
    assert unbroken([run.due_at for run in await stage.runs()])
    assert len(noted) == len(set(noted))
    end(stage.started)


def test_the_pace_of_these_tests_is_quicker_than_their_bounds() -> None:
    assert PACE.lease_seconds + PACE.resend_seconds < 5


async def _has_note(stage: Stage, job: str, text: str) -> bool:
    return text in [row[1] for row in await stage.notes(job)]


async def _is_done(stage: Stage, run: Run) -> bool:
    return (await stage.one(run)).state is State.DONE


async def _has_failed(stage: Stage, run: Run, *, attempt: int) -> bool:
    found = await stage.one(run)
    return found.state is State.FAILED and found.attempt == attempt


async def _is_sent(stage: Stage) -> bool:
    async with stage.database.connection() as db:
        return bool(await db.fetchval("SELECT count(*) FROM job_runs WHERE sent_at IS NOT NULL"))


async def _is_below(found: Callable[[], Awaitable[float]], bound: float) -> bool:
    return await found() < bound
