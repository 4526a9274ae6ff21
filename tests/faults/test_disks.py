"""A disk that is full or slow while everything runs: clients are told, nothing is lost, and it mends itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import disks, shims
from tests.faults.disks import SlowDisks, fill, small_disk
from tests.faults.killing import Round, Trouble, a_round
from tests.faults.page import Tally, tallies_of
from tests.faults.stage import Stage, staged
from tests.infra.waiting import until

DISK_MB = 512
LEFT_MB = 2
FULL_SECONDS = 5.0
SLOW_SECONDS = 10.0
SLOWER = timedelta(milliseconds=20)


@pytest.mark.timeout(300)
async def test_a_disk_that_was_full_under_load_cost_nothing_once_there_is_room_again(tallies: list[Tally]) -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    given = {"CASINO_CLUB_DISK_FREE_MB_MIN": "0"}
    with small_disk(DISK_MB) as folder:
        async with staged(folder / "stage", given=given) as stage:
            current = await a_round(stage, seed="full")
            async with current.load.running():
                await current.endure(Trouble.DISK_FULL, full(folder, current))
            await checked(current, tallies)
            assert current.load.answers.keys() <= {200, 201, 503}
            assert stage.running()["api"].restarts == 0, "clients are told why, by whoever they asked"


@asynccontextmanager
async def full(folder: Path, current: Round) -> AsyncIterator[None]:
    """Full until clients have been told so for a while."""
    ballast = fill(folder, but_mb=LEFT_MB)
    before = current.load.answers[503]
    try:
        await until(lambda: current.load.answers[503] > before, seconds_max=60.0)
        await asyncio.sleep(FULL_SECONDS)
    finally:
        ballast.unlink()
    yield


@pytest.mark.timeout(300)
async def test_a_disk_that_was_slow_under_load_cost_nothing_but_time(tmp_path: Path, tallies: list[Tally]) -> None:
    if reason := shims.why_not():
        pytest.skip(reason)
    with shims.open_folder() as folder:
        slow = SlowDisks(folder)
        async with staged(tmp_path, given=slow.environment) as stage:
            current = await a_round(stage, seed="slow")
            async with current.load.running():
                await current.endure(Trouble.DISK_SLOW, slowed(slow, stage))
            await checked(current, tallies)


@asynccontextmanager
async def slowed(slow: SlowDisks, stage: Stage) -> AsyncIterator[None]:
    slow.slow("postgres", SLOWER)
    began = time.monotonic()
    async with stage.database() as db:
        await db.execute("CHECKPOINT")
    assert time.monotonic() - began > SLOWER.total_seconds(), "the disk is not slow"
    await asyncio.sleep(SLOW_SECONDS)
    slow.slow("postgres", timedelta())
    yield


async def checked(current: Round, tallies: list[Tally]) -> None:
    try:
        await current.check()
    finally:
        tallies += tallies_of(current)
