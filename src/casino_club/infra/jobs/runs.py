"""Runs of jobs as rows. Whoever moves a row names the attempt that it holds: one that was taken over moves nothing."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import asyncpg

from casino_club.infra.db.database import Db
from casino_club.kernel.errors import Kind, Refused

SETBACKS_MAX = 5
BACKOFF_MAX = 16
LOST = "lost"
TOO_LONG = "too_long"
TOO_LATE = "too_late"


class State(StrEnum):
    """Where a run stands."""

    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Run(NamedTuple):
    """One run. `wanted_at` is its due time, or when staff asked for it again.

    `attempt` only ever rises, since it tells workers apart. `setbacks` are attempts that ended without a result,
    `failures` those that failed; a run that is due again after one keeps its code and rests until `not_before`.
    """

    id: int
    job: str
    due_at: datetime
    is_asked: bool
    state: State
    wanted_at: datetime
    attempt: int
    setbacks: int
    started_at: datetime | None
    finished_at: datetime | None
    progress: str | None
    error_code: str | None
    failures: int
    not_before: datetime | None


class RunLost(Exception):
    """Another worker has taken the run over, because this one was silent for too long."""


class RunMissing(Refused):
    code = "run_missing"
    kind = Kind.MISSING


class RunNotFailed(Refused):
    code = "run_not_failed"
    kind = Kind.CONFLICT


_RUN = ", ".join(Run._fields)


def _run(row: asyncpg.Record) -> Run:
    run = Run(*row)
    return run._replace(state=State(run.state))


async def add(db: Db, job: str, due_at: datetime, *, is_asked: bool = False) -> Run | None:
    """A run that is due; None if this due time has its run already."""
    row = await db.fetchrow(
        f"""INSERT INTO job_runs (job, due_at, is_asked, wanted_at) VALUES ($1, $2, $3, $2)
            ON CONFLICT (job, due_at) DO NOTHING RETURNING {_RUN}""",  # noqa: S608 - constant columns
        job,
        due_at,
        is_asked,
    )
    return None if row is None else _run(row)


async def waiting(db: Db, job: str) -> Run | None:
    """The oldest run of this job that is due and that nobody has begun."""
    row = await db.fetchrow(
        f"SELECT {_RUN} FROM job_runs WHERE job = $1 AND state = 'due' ORDER BY wanted_at, id LIMIT 1",  # noqa: S608 - constant columns
        job,
    )
    return None if row is None else _run(row)


async def to_send(db: Db, *, resend_seconds: float) -> list[tuple[str, datetime]]:
    """Of each job the run to be sent now, noted as sent: it is new, or nobody has begun it since the last message.

    One that is sent in vain waits twice as long each time, up to a bound, so that a queue without workers stays short.
    """
    rows = await db.fetch(
        """UPDATE job_runs AS r SET sent_at = clock_timestamp(), sends = r.sends + 1
           FROM (SELECT DISTINCT ON (job) id, state, sent_at, sends, lease_until FROM job_runs
                 WHERE state = 'running' OR state = 'due' AND (not_before IS NULL OR not_before < clock_timestamp())
                 ORDER BY job, state DESC, wanted_at, id) AS first
           WHERE r.id = first.id
             AND (r.state = 'due' OR r.lease_until < clock_timestamp())
             AND (r.sent_at IS NULL
                  OR r.sent_at < clock_timestamp() - make_interval(secs => $1 * least(power(2, r.sends - 1), $2)))
             AND NOT EXISTS (SELECT FROM job_timetables AS t WHERE t.job = r.job AND t.paused_at IS NOT NULL)
           RETURNING r.job, r.due_at""",
        resend_seconds,
        BACKOFF_MAX,
    )
    return [(row[0], row[1]) for row in rows]


async def not_sent(db: Db, sent_in_vain: Sequence[tuple[str, datetime]]) -> None:
    """These could not be sent after all, so they are the first to be sent again."""
    await db.executemany(
        "UPDATE job_runs SET sent_at = NULL, sends = sends - 1 WHERE job = $1 AND due_at = $2 AND sends > 0",
        sent_in_vain,
    )


async def give_up_lost(db: Db) -> list[str]:
    """Fail runs that took down every worker that tried them; the jobs' names."""
    rows = await db.fetch(
        """UPDATE job_runs SET state = 'failed', error_code = $1, finished_at = clock_timestamp(), lease_until = NULL
           WHERE state = 'running' AND lease_until < clock_timestamp() AND setbacks >= $2 RETURNING job""",
        LOST,
        SETBACKS_MAX,
    )
    return [row[0] for row in rows]


async def give_up_late(db: Db, jobs: Sequence[str], *, before: datetime) -> list[str]:
    """Fail runs of the timetable that nobody has begun and that were wanted before this instant; the jobs' names."""
    rows = await db.fetch(
        """UPDATE job_runs SET state = 'failed', error_code = $3, finished_at = clock_timestamp()
           WHERE job = ANY($1) AND state = 'due' AND attempt = 0 AND NOT is_asked AND wanted_at < $2 RETURNING job""",
        jobs,
        before,
        TOO_LATE,
    )
    return [row[0] for row in rows]


async def claim(db: Db, job: str, due_at: datetime | None, *, lease_seconds: float) -> Run | None:
    """Begin this run, or the job's oldest one that waits. None if it is begun already, or the job runs or rests."""
    try:
        row = await db.fetchrow(
            f"""UPDATE job_runs
                SET state = 'running', attempt = attempt + 1, setbacks = setbacks + (state = 'running')::int,
                    started_at = clock_timestamp(), error_code = NULL, lease_until =
                        clock_timestamp() + make_interval(secs => $3)
                WHERE id = (
                    SELECT id FROM job_runs
                    WHERE job = $1 AND ($2::timestamptz IS NULL OR due_at = $2)
                      AND (state = 'due' AND (not_before IS NULL OR not_before < clock_timestamp())
                           OR state = 'running' AND lease_until < clock_timestamp())
                      AND NOT EXISTS (SELECT FROM job_timetables AS t WHERE t.job = $1 AND t.paused_at IS NOT NULL)
                    ORDER BY state DESC, wanted_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
                RETURNING {_RUN}""",  # noqa: S608 - constant columns
            job,
            due_at,
            lease_seconds,
        )
    except asyncpg.UniqueViolationError:
        return None
    return None if row is None else _run(row)


async def renew(db: Db, run: Run, *, lease_seconds: float) -> None:
    """Say that the run is still at work; raises RunLost if it isn't ours any more."""
    await _moved(
        await db.fetchval(
            """UPDATE job_runs SET lease_until = clock_timestamp() + make_interval(secs => $3)
               WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id""",
            run.id,
            run.attempt,
            lease_seconds,
        ),
        run,
    )


async def reach(db: Db, run: Run, progress: str) -> None:
    """Note how far the run is, in the transaction of the chunk that got there; raises RunLost, which undoes both."""
    await _moved(
        await db.fetchval(
            "UPDATE job_runs SET progress = $3 WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id",
            run.id,
            run.attempt,
            progress,
        ),
        run,
    )


async def finish(db: Db, run: Run, *, error_code: str | None = None) -> float:
    """The run is done, or failed with this code; how many seconds it took. Raises RunLost."""
    seconds: float | None = await db.fetchval(
        """UPDATE job_runs
           SET state = CASE WHEN $3::text IS NULL THEN 'done' ELSE 'failed' END, error_code = $3,
               finished_at = clock_timestamp(), lease_until = NULL
           WHERE id = $1 AND attempt = $2 AND state = 'running'
           RETURNING extract(epoch FROM finished_at - started_at)::float8""",
        run.id,
        run.attempt,
        error_code,
    )
    await _moved(seconds, run)
    assert seconds is not None
    return seconds


async def rest(db: Db, run: Run, *, error_code: str, seconds: float) -> None:
    """The attempt failed with this code, and the run is due again after a pause; its progress stays. Raises RunLost."""
    await _moved(
        await db.fetchval(
            """UPDATE job_runs
               SET state = 'due', error_code = $3, failures = failures + 1, lease_until = NULL,
                   sent_at = NULL, sends = 0, not_before = clock_timestamp() + make_interval(secs => $4)
               WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id""",
            run.id,
            run.attempt,
            error_code,
            seconds,
        ),
        run,
    )


async def rouse(db: Db, run: Run) -> Run:
    """A run that rests after a failure need not any longer."""
    row = await db.fetchrow(
        f"UPDATE job_runs SET not_before = NULL WHERE id = $1 AND state = 'due' RETURNING {_RUN}",  # noqa: S608 - constant columns
        run.id,
    )
    return run if row is None else _run(row)


async def release(db: Db, run: Run, *, at_once: bool) -> None:
    """Put the run back for any worker, at once or after a pause; its progress stays. Raises RunLost."""
    await _moved(
        await db.fetchval(
            """UPDATE job_runs
               SET state = 'due', lease_until = NULL, setbacks = setbacks + (NOT $3)::int,
                   sent_at = CASE WHEN $3 THEN NULL ELSE clock_timestamp() END
               WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id""",
            run.id,
            run.attempt,
            at_once,
        ),
        run,
    )


async def _moved(found: object, run: Run) -> None:
    if found is None:
        raise RunLost(f"{run.job}, due at {run.due_at}: attempt {run.attempt} was taken over")


async def retry(db: Db, run_id: int, *, now: datetime) -> Run:
    """Want a failed run again; it goes on behind the key that it reached."""
    row = await db.fetchrow(
        f"""UPDATE job_runs
            SET state = 'due', wanted_at = $2, sent_at = NULL, sends = 0, setbacks = 0, finished_at = NULL,
                failures = 0, not_before = NULL
            WHERE id = $1 AND state = 'failed' RETURNING {_RUN}""",  # noqa: S608 - constant columns
        run_id,
        now,
    )
    if row is not None:
        return _run(row)
    if not await db.fetchval("SELECT EXISTS (SELECT FROM job_runs WHERE id = $1)", run_id):
        raise RunMissing(f"There is no run {run_id}.")
    raise RunNotFailed(f"Run {run_id} has not failed.")


async def runs_of(db: Db, job: str, *, before_id: int | None = None, limit: int = 100) -> list[Run]:
    """The job's runs, the newest first."""
    rows = await db.fetch(
        f"""SELECT {_RUN} FROM job_runs WHERE job = $1 AND ($2::bigint IS NULL OR id < $2)
            ORDER BY id DESC LIMIT $3""",  # noqa: S608 - constant columns
        job,
        before_id,
        limit,
    )
    return [_run(row) for row in rows]


async def by_ids(db: Db, ids: Sequence[int]) -> list[Run]:
    """The runs with these ids."""
    rows = await db.fetch(f"SELECT {_RUN} FROM job_runs WHERE id = ANY($1)", ids)  # noqa: S608 - constant columns
    return [_run(row) for row in rows]


async def forget(db: Db, *, finished_before: datetime, limit: int) -> int:
    """Delete runs that ended before this instant; how many. How far the timetable is written is kept elsewhere."""
    status: str = await db.execute(
        """DELETE FROM job_runs
           WHERE id IN (SELECT id FROM job_runs WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)""",
        finished_before,
        limit,
    )
    return int(status.rsplit(maxsplit=1)[-1])


class Pace(NamedTuple):
    """How quickly losses are noticed. Heartbeats come three times in a lease."""

    lease_seconds: float = 30.0
    resend_seconds: float = 10.0
    look_seconds: float = 1.0


PACE = Pace()
