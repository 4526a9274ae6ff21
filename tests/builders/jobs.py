"""What a run of a job is given, for tests that call a job's body."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database
from casino_club.infra.jobs.job import Work
from casino_club.infra.jobs.runs import Run, State
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.partitions import Log
from casino_club.infra.log.subscribe import Policies, Subscription
from casino_club.infra.ports import HotStore
from tests.builders.actions import NOON, a_log

NOWHERE = "unix:///nowhere"


def a_run(job: str = "a_job", *, due_at: datetime = NOON, progress: str | None = None) -> Run:
    """A run in its first attempt."""
    return Run(1, job, due_at, False, State.RUNNING, due_at, 1, 0, due_at, None, progress, None, 0, None)


def a_work(
    database: Database,
    *,
    hot: HotStore | None = None,
    policies: Policies | None = None,
    log: Log | None = None,
    subscriptions: Sequence[Subscription] = (),
    now: datetime = NOON,
    program: Sequence[str] = (),
    given: Mapping[type, Any] | None = None,
) -> Work:
    """Without a hot store of the test's own there is one that is away."""
    stores = Stores(database, hot or RedisHotStore(NOWHERE), policies or {}, LogFiles(Path("nowhere")))
    return Work(stores, log or a_log(database), subscriptions, now, program, given or {}, a_run())
