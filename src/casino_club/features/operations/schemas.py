"""Shapes of requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from casino_club.features.operations import rules
from casino_club.features.operations.rules import Minute
from casino_club.infra.http.routes import Id
from casino_club.infra.jobs.job import Job
from casino_club.infra.jobs.runs import Run, State
from casino_club.infra.jobs.timetable import JobStanding

PAGE_ROWS_MAX = 200

Name = Annotated[str, Meta(min_length=1, max_length=100)]
"""The name of a job or a consumer."""


class RunOut(msgspec.Struct, frozen=True):
    """One run. `wanted_at` differs from its due time once staff wanted it again.

    After `failures` a run is due again by itself, but `not_before` then, until it has used up its job's retries.
    """

    id: int
    job: str
    due_at: datetime
    is_asked: bool
    state: State
    wanted_at: datetime
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    progress: str | None
    error_code: str | None
    failures: int
    not_before: datetime | None


class JobOut(msgspec.Struct, frozen=True):
    """A job with its last run; `overdue_seconds` is 0 unless something that is due has not begun."""

    name: str
    about: str
    every_seconds: float | None
    daily_at: str | None
    catch_up: str
    retries_max: int
    paused_at: datetime | None
    next_due_at: datetime | None
    overdue_seconds: float
    last_done_at: datetime | None
    last_run: RunOut | None


class JobsOut(msgspec.Struct, frozen=True):
    """Every job, by name. Without a leader nobody writes the timetable."""

    jobs: list[JobOut]
    has_leader: bool


class RunsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which runs."""

    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50


class RunsPage(msgspec.Struct, frozen=True):
    """Runs, the newest first; `next_cursor` leads to the older ones."""

    runs: list[RunOut]
    next_cursor: int | None


class ReaderOut(msgspec.Struct, frozen=True):
    """How far a reader is behind the log. Generations above 0 are being rebuilt."""

    consumer: str
    generation: int
    rows: int
    seconds: float
    moved_at: datetime


class HolderOut(msgspec.Struct, frozen=True):
    """The transaction that makes readers look at the same rows again and again."""

    pid: int
    application: str
    seconds: float
    state: str


class PositionsOut(msgspec.Struct, frozen=True):
    """Every reader of the log, and who holds them back, if anybody does."""

    readers: list[ReaderOut]
    holder: HolderOut | None


class ParkedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which parked rows. `cursor` is the `next_cursor` of the page before."""

    consumer: Name | None = None
    cursor: Annotated[str, Meta(pattern=r"^\d{1,18}:[^\s]{1,100}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50

    @property
    def after(self) -> tuple[int, str]:
        """The row that the page begins behind."""
        row_id, _, consumer = (self.cursor or "0:").partition(":")
        return int(row_id), consumer


class ParkedOut(msgspec.Struct, frozen=True):
    """A row of the log that a consumer could not apply."""

    consumer: str
    action_id: int
    reason: str
    attempts: int
    parked_at: datetime


class ParkedPage(msgspec.Struct, frozen=True):
    """Parked rows in the order of the log."""

    parked: list[ParkedOut]
    next_cursor: str | None


class RetriedOut(msgspec.Struct, frozen=True):
    """What became of a parked row: one of these is 1."""

    applied: int
    parked_again: int
    out_of_reach: int


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which deeds: by whom (`user:7`, `service_key:3`), what, on what, since when and until before when."""

    actor: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    verb: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    target: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50


class DeedOut(msgspec.Struct, frozen=True):
    """Who did what on what. `refused_as` is set where somebody only tried."""

    id: int
    at: datetime
    actor: str
    session_id: int
    verb: str
    target: str
    arguments: dict[str, Any]
    refused_as: str | None
    request_id: str | None


class AuditPage(msgspec.Struct, frozen=True):
    """Deeds, the newest first; `next_cursor` leads to the older ones."""

    deeds: list[DeedOut]
    next_cursor: int | None


class Health(msgspec.Struct, frozen=True):
    """All that `casino-club status --json` says, but for the folder that it lies in."""

    ok: bool
    problems: list[str]
    running: bool
    at: datetime
    processes: list[dict[str, Any]]
    postgresql: dict[str, Any]
    redis: dict[str, Any]
    log: dict[str, Any] | None
    jobs: list[JobOut]


class ConservationQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which minutes. `cursor` is the `next_cursor` of the page before."""

    state: Literal["all", "open"] = "all"
    cursor: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 60


class MinuteOut(msgspec.Struct, frozen=True):
    """One minute of `appended_at`.

    `received` = `stored_by_senders` + `duplicate` + the sum of `refused`, by reason, and nothing is in flight once a
    minute is closed. `stored` = `stored_by_senders` + `stored_by_platform` = each of `elsewhere` + its `lags`.
    `differences` says what does not add up: below 0 something is missing on that side.
    """

    minute: datetime
    state: Literal["running", "closed", "open"]
    received: int
    duplicate: int
    refused: dict[str, int]
    stored: int
    stored_by_senders: int
    stored_by_platform: int
    elsewhere: dict[str, int]
    lags: dict[str, int]
    differences: dict[str, int]
    open_since: datetime | None
    closed_at: datetime | None
    sentence: str


class ConservationOut(msgspec.Struct, frozen=True):
    """Whether everything is accounted for, and minutes, the newest first."""

    ok: bool
    sentence: str
    taken_at: datetime | None
    open_minutes: int
    in_flight: int
    minutes: list[MinuteOut]
    next_cursor: datetime | None


def minute_out(minute: Minute, *, now: datetime) -> MinuteOut:
    is_running = minute.closed_at is None and rules.is_running(minute, now=now)
    return MinuteOut(
        minute.minute,
        "closed" if minute.closed_at else "running" if is_running else "open",
        minute.received,
        minute.duplicate,
        dict(minute.kept),
        minute.stored,
        minute.stored - minute.stored_own,
        minute.stored_own,
        dict(minute.elsewhere),
        {str(side): rows for side, rows in rules.lags(minute, now=now).items()},
        {str(side): gap for side, gap in rules.differences(minute, now=now).items()},
        None if minute.closed_at or is_running else minute.open_since,
        minute.closed_at,
        rules.sentence(minute, now=now),
    )


def run_out(run: Run) -> RunOut:
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return RunOut(
        run.id,
        run.job,
        run.due_at,
        run.is_asked,
        run.state,
        run.wanted_at,
        run.attempt,
        run.started_at,
        run.finished_at,
        seconds,
        run.progress,
        run.error_code,
        run.failures,
        run.not_before,
    )


def job_out(standing: JobStanding) -> JobOut:
    job: Job = standing.job
    return JobOut(
        job.name,
        job.about,
        job.every.total_seconds() if job.every else None,
        f"{job.daily_at:%H:%M}" if job.daily_at else None,
        job.catch_up,
        job.retries.times,
        standing.paused_at,
        standing.next_due_at,
        standing.overdue_seconds,
        standing.last_done_at,
        run_out(standing.last_run) if standing.last_run else None,
    )
