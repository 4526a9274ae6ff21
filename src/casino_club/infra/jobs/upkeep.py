"""What infra does at intervals for the log and for the timetable itself."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import msgspec

from casino_club.infra.jobs import runs
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.log.archive import Outcome
from casino_club.infra.log.retry import retry_rested

logger = logging.getLogger(__name__)

RUNS_KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 1_000


class CommandFailed(Exception):
    """One of our own commands ended with an error; its lines are in the log."""


@job("make_room", every=timedelta(seconds=30), about="Makes the log's partitions before they are needed.")
async def make_room(work: Work) -> None:
    made = await work.log.make_room()
    if made:
        logger.info("made room", extra={"partitions": ", ".join(made)})


@job(
    "archive_partitions",
    every=timedelta(hours=1),
    takes_max=timedelta(hours=12),
    about="Exports partitions of the log that are too old or too many to Parquet files, and drops them.",
)
async def archive_partitions(work: Work) -> None:
    """In a process of its own, since pyarrow takes some 100 MB that a worker should not keep."""
    outcome = msgspec.json.decode(await _said([*work.program, "archive", "--json"]), type=Outcome)
    rows = sum(each.row_count for each in outcome.archived)
    extra = {"partitions": len(outcome.archived), "rows": rows, "waits_for": outcome.waits_for}
    logger.info("archived", extra=extra)


@job(
    "retry_parked",
    every=timedelta(minutes=5),
    about="Applies parked rows again: each after a pause that doubles with every attempt, up to a day.",
)
async def retry_parked(work: Work) -> None:
    for subscription in work.subscriptions:
        retried = await retry_rested(subscription, work.stores, now=work.now)
        if retried.applied or retried.parked_again:
            extra = {"consumer": subscription.name, "rows": retried.applied, "parked_again": retried.parked_again}
            logger.info("parked rows retried", extra=extra)


@job("forget_runs", every=timedelta(hours=1), about="Deletes runs of jobs that ended more than 30 days ago.")
async def forget_runs(work: Work) -> None:
    forget = partial(runs.forget, finished_before=work.now - RUNS_KEPT, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


async def _said(command: Sequence[str]) -> bytes:
    """What the command writes to its standard output. It ends with us."""
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    if child.returncode:
        raise CommandFailed(f"{command[-2]} ended with status {child.returncode}")
    return said
