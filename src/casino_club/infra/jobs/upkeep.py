"""What infra does at intervals for the log itself."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from casino_club.infra.jobs.job import Work, job
from casino_club.infra.log.archive import Outcome

logger = logging.getLogger(__name__)


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
    about="Exports partitions of the log that are too old or too many to Parquet files, and drops them.",
)
async def archive_partitions(work: Work) -> None:
    """In a process of its own, since pyarrow takes some 100 MB that a consumer should not keep."""
    outcome = msgspec.json.decode(await _said([*work.program, "archive", "--json"]), type=Outcome)
    rows = sum(each.row_count for each in outcome.archived)
    extra = {"partitions": len(outcome.archived), "rows": rows, "waits_for": outcome.waits_for}
    logger.info("archived", extra=extra)


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
