"""How slices declare what is done at intervals: a function that is given its `Work`, and how often."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.infra.db.database import Database
from casino_club.infra.log.partitions import Log
from casino_club.infra.log.subscribe import Policies


@dataclass(frozen=True, slots=True)
class Work:
    """What one run of a job is given."""

    database: Database
    log: Log
    policies: Policies
    now: datetime
    program: Sequence[str]
    """Followed by a command's name and options, it starts that command in a process of its own."""


Task = Callable[[Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done at intervals. A run may be cut short; the next one picks up what it left."""

    name: str
    every: timedelta
    about: str
    run: Task


def job(name: str, *, every: timedelta, about: str) -> Callable[[Task], Job]:
    """Make a function a job."""

    def declare(run: Task) -> Job:
        return Job(name, every, about, run)

    return declare
