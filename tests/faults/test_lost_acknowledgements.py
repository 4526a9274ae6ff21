"""The harness is only worth something if it finds the loss where there is one."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.checker import findings
from tests.faults.killing import Kind, Round, a_round, strike
from tests.faults.stage import Stage, staged
from tests.faults.truth import read_state
from tests.infra.waiting import until

ACKNOWLEDGED_MIN = 200
ASYNCHRONOUS = (
    "ALTER SYSTEM SET synchronous_commit = off",
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '2GB'",
    "SELECT pg_reload_conf()",
)


@pytest.mark.timeout(180)
async def test_what_asynchronous_commits_lose_is_found(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        current = await a_round(stage, seed="asynchronous")
        await commit_asynchronously(stage)

        async with current.load.running():
            await until(lambda: current.load.ledger.acknowledged > ACKNOWLEDGED_MIN)
            await kill_postgresql(current)

        found = findings(current.load.ledger, await read_state(stage, with_hot=False))
        assert Counter(finding.kind for finding in found)["lost"] > 0


async def commit_asynchronously(stage: Stage) -> None:
    async with stage.database() as db:
        for statement in ASYNCHRONOUS:
            await db.execute(statement)


async def kill_postgresql(current: Round) -> None:
    """Without a look at what is left of the log: that is what the test is about."""
    await strike(current.stage, Kind.POSTGRESQL, current.rng)
    async with asyncio.timeout(60):
        await current.load.probe()
