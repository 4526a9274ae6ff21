"""`casino-club jobs`: what is due when, how runs ended, and what people may do about it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

import typer

from casino_club.entry.cli.opening import open_database, run
from casino_club.entry.cli.printing import AsJson, duration, moment, print_json, print_table, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import jobs as declared
from casino_club.entry.wiring import zone_of
from casino_club.features.operations.commands import staff
from casino_club.features.operations.schemas import job_out, run_out
from casino_club.infra.db.database import Db
from casino_club.infra.jobs import runs, timetable
from casino_club.infra.jobs.runs import Run
from casino_club.infra.jobs.timetable import JobStanding
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

T = TypeVar("T")

jobs = typer.Typer(no_args_is_help=True, help="What runs because time passes.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The job, such as make_room.")]


@jobs.command(name="list")
def list_jobs(as_json: AsJson = False) -> None:
    """Every job with its next due time and its last run."""
    found = run(_standings(read_settings()))
    if as_json:
        print_json([job_out(each) for each in found])
    else:
        print_jobs(found)


@jobs.command(name="runs")
def list_runs(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """A job's runs, the newest first."""
    job = timetable.job_named
    found = run(_read(read_settings(), lambda db: runs.runs_of(db, job(declared(), name).name, limit=limit)))
    if as_json:
        print_json([run_out(each) for each in found])
        return
    print_table(
        ("Id", "Due", "State", "Attempt", "Failures", "Began", "Took", "Error"),
        [
            (
                str(each.id),
                moment(each.due_at),
                each.state,
                str(each.attempt),
                str(each.failures),
                moment(each.started_at),
                *_ending(each),
            )
            for each in found
        ],
        empty=f"{name} has not run yet.",
    )


@jobs.command(name="run")
def run_job(name: Name) -> None:
    """Have a job run as soon as a worker is free."""
    asked = run(_write(read_settings(), lambda db, now: staff.ask_for_run(db, declared(), name, by=OPERATOR, now=now)))
    typer.echo(f"Run {asked.id} of {name} waits for a worker; see `casino-club jobs runs {name}`.")


@jobs.command()
def pause(name: Name) -> None:
    """Let a job rest: its due times pass without a run until it is resumed."""
    settings = read_settings()
    zone = zone_of(settings)
    run(_write(settings, lambda db, now: staff.pause(db, declared(), name, by=OPERATOR, zone=zone, now=now)))
    typer.echo(f"{name} is paused.")


@jobs.command()
def resume(name: Name) -> None:
    """Let a paused job go on with its next due time."""
    settings = read_settings()
    zone = zone_of(settings)
    found = run(_write(settings, lambda db, now: staff.resume(db, declared(), name, by=OPERATOR, zone=zone, now=now)))
    typer.echo(f"{name} goes on; it is due at {moment(found.next_due_at)}.")


@jobs.command()
def retry(run_id: Annotated[int, typer.Argument(metavar="ID", min=1, help="A failed run.")]) -> None:
    """Want a failed run again; it goes on behind the key that it reached."""
    again = run(_write(read_settings(), lambda db, now: staff.retry_run(db, run_id, by=OPERATOR, now=now)))
    typer.echo(f"Run {again.id} of {again.job} waits for a worker.")


def print_jobs(standings: Sequence[JobStanding]) -> None:
    """A table of jobs for people."""
    heads = ("Job", "Due", "Late", "Last run", "Began", "Took", "Error")
    now = utc_now()
    print_table(heads, [_row(each, now) for each in standings], empty="There are no jobs.")


def _row(each: JobStanding, now: datetime) -> tuple[str, ...]:
    due = "paused" if each.next_due_at is None else f"in {duration((each.next_due_at - now).total_seconds())}"
    late = duration(each.overdue_seconds) if each.overdue_seconds else "–"
    if each.last_run is None:
        return each.job.name, due, late, "–", "–", "–", "–"
    return each.job.name, due, late, each.last_run.state, _ago(each.last_run.started_at, now), *_ending(each.last_run)


def _ago(at: datetime | None, now: datetime) -> str:
    return "–" if at is None else f"{duration(max(0.0, (now - at).total_seconds()))} ago"


def _ending(each: Run) -> tuple[str, str]:
    took = (
        duration((each.finished_at - each.started_at).total_seconds()) if each.finished_at and each.started_at else "–"
    )
    return took, each.error_code or "–"


async def _standings(settings: Settings) -> list[JobStanding]:
    zone = zone_of(settings)
    return await _read(settings, partial(timetable.standings, jobs=declared(), zone=zone, now=utc_now()))


async def _read(settings: Settings, work: Callable[[Db], Awaitable[T]]) -> T:
    async with open_database(settings) as database, database.connection() as db:
        return await work(db)


async def _write(settings: Settings, work: Callable[[Db, datetime], Awaitable[T]]) -> T:
    async with open_database(settings) as database, database.transaction() as db:
        return await work(db, utc_now())
