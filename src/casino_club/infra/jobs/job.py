"""How slices declare what is done because time passes: a function that is given its `Work`, and when it is due."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from casino_club.infra.db.database import Database
from casino_club.infra.jobs.runs import Run
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.partitions import Log
from casino_club.infra.log.subscribe import Policies, Subscription

DAY = timedelta(days=1)
CATCH_UP_MAX = 100
HOUR = timedelta(hours=1)


class CatchUp(StrEnum):
    """What becomes of due times that passed while nobody wrote the timetable, or while a run had to wait."""

    EVERY = "every"
    """Each has its run, up to the job's bound; the oldest beyond it are left out."""
    LATEST = "latest"
    """One run stands for all of them."""
    NONE = "none"
    """They are left out; a run that could not begin in time fails as too late."""


@dataclass(frozen=True, slots=True)
class Retries:
    """A run that fails is tried again by itself, `times` times, first `after` this long; each pause doubles."""

    times: int = 3
    after: timedelta = timedelta(seconds=10)

    def pause(self, failures: int) -> timedelta | None:
        """How long a run rests that has failed so often; None once it has failed for good."""
        return None if failures > self.times else self.after * 2 ** (failures - 1)


@dataclass(frozen=True, slots=True)
class Work:
    """What one run of a job is given."""

    stores: Stores
    log: Log
    subscriptions: Sequence[Subscription]
    now: datetime
    program: Sequence[str]
    """Followed by a command's name and options, it starts that command in a process of its own."""
    given: Mapping[type, Any]
    """What commands of slices work with, by its type; entry points put it together."""
    run: Run
    """Its `progress` is the key that an earlier attempt reached; `runs.reach` moves it on."""

    @property
    def database(self) -> Database:
        return self.stores.database

    @property
    def policies(self) -> Policies:
        return self.stores.policies


RETRIES = Retries()
Task = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done at its times, one run after the other. A run may be cut short and is taken up again."""

    name: str
    every: timedelta | None
    daily_at: time | None
    about: str
    catch_up: CatchUp
    catch_up_max: int
    takes_max: timedelta
    """A run that takes longer is ended and has failed: one that is stuck must not stay so in silence."""
    retries: Retries
    run: Task

    @property
    def interval(self) -> timedelta:
        """How far its due times are apart; days that the clocks change on left aside."""
        return self.every or DAY


def job(
    name: str,
    *,
    about: str,
    every: timedelta | None = None,
    daily_at: time | None = None,
    catch_up: CatchUp = CatchUp.LATEST,
    catch_up_max: int = CATCH_UP_MAX,
    takes_max: timedelta = HOUR,
    retries: Retries = RETRIES,
) -> Callable[[Task], Job]:
    """Make a function a job, due either at an interval or once a day at a time of the operator's zone."""
    assert (every is None) != (daily_at is None), f"{name}: name an interval or a time of day"
    assert every is None or every > timedelta(), f"{name}: an interval is longer than nothing"
    assert daily_at is None or daily_at.tzinfo is None, f"{name}: the zone is the operator's"
    assert catch_up_max > 0, f"{name}: without catching up is CatchUp.NONE"

    def declare(run: Task) -> Job:
        return Job(name, every, daily_at, about, catch_up, catch_up_max, takes_max, retries, run)

    return declare
