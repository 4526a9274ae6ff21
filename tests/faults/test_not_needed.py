"""A club runs on without what it does not need, says why that is not there, and catches up once it is."""

import asyncio
import json
import os
import sys
from pathlib import Path
from random import Random

import pytest

from casino_club.infra.log import lag
from tests.faults.load import PRESENT_USERS, Load, a_batch
from tests.faults.stage import ROOT, Stage, staged
from tests.infra.waiting import until

RUNNING = ("postgresql", "redis", "api", "consumer", "worker", "scheduler")
CAUGHT_UP_SECONDS_MAX = 90.0


@pytest.mark.timeout(240)
async def test_a_club_whose_warehouse_can_not_be_started_takes_actions_and_fills_it_once_it_can(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data" / "warehouse"
    in_the_way.parent.mkdir()
    in_the_way.write_text("no folder")

    async with staged(tmp_path) as stage:
        await stage.ready(*RUNNING)
        load = Load(stage.port, (await stage.make_key())[0], seed="without")
        await load.send(a_batch(Random("without"), list(PRESENT_USERS)))
        await until(lambda: stage.running()["warehouse"].state == "restarting")
        said = await status(stage)
        waited = await rows_behind(stage)
        in_the_way.unlink()
        await stage.ready("warehouse")
        async with asyncio.timeout(CAUGHT_UP_SECONDS_MAX):
            while await rows_behind(stage):  # noqa: ASYNC110 - another process gets there
                await asyncio.sleep(0.1)

    assert any("warehouse is restarting" in each and "move it out of the way" in each for each in said)
    assert waited == len(PRESENT_USERS)


async def status(stage: Stage) -> list[str]:
    """What `casino-club status` says is wrong."""
    called = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "casino_club.entry.cli", "status", "--json"),
        cwd=ROOT,
        env={**os.environ, "CASINO_CLUB_DATA_DIR": str(stage.data_dir), "CASINO_CLUB_PORT": str(stage.port)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await called.communicate()
    problems: list[str] = json.loads(said)["problems"]
    return problems


async def rows_behind(stage: Stage) -> int:
    async with stage.database() as db:
        found = {each.consumer: each.rows for each in await lag.lags(db)}
    return found.get("warehouse", len(PRESENT_USERS))
