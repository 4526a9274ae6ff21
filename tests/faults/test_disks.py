"""A disk that is full or slow while everything runs: clients are told, nothing is lost, and it mends itself."""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from casino_club.infra import runtime
from casino_club.infra.ports import Unusable
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.builders.servers import forget, running_server
from tests.faults import disks, shims
from tests.faults.disks import SlowDisks, fill, fill_up, small_disk
from tests.faults.killing import Round, Trouble, a_round
from tests.faults.page import Tally, tallies_of
from tests.faults.stage import Stage, staged
from tests.infra.supervised import make_folders
from tests.infra.test_up import assert_one_line, up
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("free_mb", [4, 40, 42])
def test_a_first_start_that_found_too_little_room_says_so_and_is_whole_once_there_is_room(free_mb: int) -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    with small_disk(DISK_MB) as folder:
        data_dir = make_folders(folder / "data")
        ballast = fill(folder, but_mb=free_mb)
        settings = Settings.model_validate({"mode": "embedded", "data_dir": data_dir})
        server = runtime.servers(settings)[0]
        if said := what_keeps(server):
            assert re.search("No space left|Check free disk space", said), said
            assert free_mb_of(folder) >= free_mb - 1, "what is of no use does not stay"
        ballast.unlink()

        with running_server(server, data_dir):
            pass
        forget(data_dir)


def test_a_disk_without_any_room_is_one_line_and_leaves_nothing_behind() -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    with small_disk(1) as folder:
        fill_up(folder)

        done = up(folder / "data", CASINO_CLUB_DISK_FREE_MB_MIN="0")

        assert_one_line(done, "has no room left", "free some")
        assert not [path for path in (folder / "data").rglob("*") if path.is_file() and path.stat().st_size]


def what_keeps(server: ServerProcess) -> str | None:
    """What it says if it can't be prepared."""
    try:
        server.prepare()
    except (OSError, Unusable) as fault:
        return str(fault)
    return None


def free_mb_of(folder: Path) -> int:
    return shutil.disk_usage(folder).free // disks.MEGABYTE


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
