"""Kills, the wait for recovery after each, and what came of all of them."""

import asyncio
import os
import signal
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import asyncpg

from casino_club.infra.log import rebuild
from tests.faults.checker import Finding, findings, summary
from tests.faults.load import PROBE_USER, Load
from tests.faults.points import Fuse, Point
from tests.faults.stage import Stage
from tests.faults.truth import read_state, seconds_until_shown, settled
from tests.infra.waiting import until

MOMENT_SECONDS_MAX = 0.03
RECOVERY_SECONDS_MAX = 60.0
BURN_SECONDS_MAX = 60.0
STRANGERS_SECONDS_MAX = 20.0
PASSES_MAX = dict.fromkeys(Point, 20) | {Point.REBUILDING: 1, Point.SWAPPED: 0}
"""How often a point may be passed before the process dies there; a rebuild has two pages at least."""


class Kind(StrEnum):
    """Who dies at a random moment."""

    API = "api"
    CONSUMER = "consumer"
    WORKER = "worker"
    SCHEDULER = "scheduler"
    POSTGRESQL = "postgresql"
    BACKEND = "one backend of postgresql"
    REDIS = "redis"
    SUPERVISOR = "supervisor"


class Trouble(StrEnum):
    """What befalls processes that go on."""

    DISK_FULL = "disk full while running, then freed"
    DISK_SLOW = "disk of postgresql slow by 20 ms a write"
    CLOCK_API = "clock of api jumps"
    CLOCK_CONSUMER = "clock of consumer jumps"
    CLOCK_WORKER = "clock of worker jumps"
    CLOCK_SCHEDULER = "clock of scheduler jumps"
    CLOCK_POSTGRESQL = "clock of postgresql jumps"
    CLOCK_REDIS = "clock of redis jumps"


Cause = Kind | Point | Trouble


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: how long it took until a new action was acknowledged and shown; the ledger's ticks from the end of the
    kill before to the end of this one."""

    cause: Cause
    seconds: float
    ticks: range


@dataclass
class Round:
    """Kills on one data folder under one load, and what the check at its end found."""

    stage: Stage
    load: Load
    rng: Random
    namespace: int
    kills: list[Kill] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    async def kill(self, cause: Cause) -> Kill:
        """Kill at a random moment under load or at the point; returns when everything works again."""
        await self._moment(cause)
        began = await self._fell(cause)
        async with asyncio.timeout(RECOVERY_SECONDS_MAX):
            action_id = await self.load.probe()
            seconds = await seconds_until_shown(self.stage, action_id=action_id, user_id=PROBE_USER, since=began)
        return await self._noted(cause, seconds)

    async def endure(self, trouble: Trouble, during: AbstractAsyncContextManager[None]) -> Kill:
        """Let trouble come and go under load; recovery counts from its end."""
        await self._some_more()
        async with during:
            pass
        began = time.monotonic()
        async with asyncio.timeout(RECOVERY_SECONDS_MAX):
            action_id = await self.load.probe()
            seconds = await seconds_until_shown(self.stage, action_id=action_id, user_id=PROBE_USER, since=began)
        return await self._noted(trouble, seconds)

    async def _moment(self, cause: Cause) -> None:
        """Under load, the process at its post, and then some more requests and a blink."""
        await self.stage.ready(*needed(cause))
        await self._some_more()

    async def _some_more(self) -> None:
        enough = self.load.ledger.acknowledged + self.rng.randint(5, 100)
        await until(lambda: self.load.ledger.acknowledged >= enough or self.load.ledger.faults)
        await asyncio.sleep(self.rng.uniform(0, MOMENT_SECONDS_MAX))

    async def _fell(self, cause: Cause) -> float:
        if isinstance(cause, Point):
            return await self._burn(cause)
        assert isinstance(cause, Kind), "trouble kills nobody"
        return await strike(self.stage, cause, self.rng)

    async def _burn(self, point: Point) -> float:
        fuse = Fuse(self.stage.data_dir)
        is_rebuild = point in (Point.REBUILDING, Point.SWAPPED)
        if point is Point.REBUILDING:
            await self._no_rebuild_left()
        fuse.light(point, self.rng.randint(0, PASSES_MAX[point]))
        if is_rebuild:
            async with self.stage.database() as db:
                await rebuild.ask(db, "hot")
        await until(lambda: not fuse.burns, seconds_max=BURN_SECONDS_MAX)
        return time.monotonic()

    async def _no_rebuild_left(self) -> None:
        async with asyncio.timeout(RECOVERY_SECONDS_MAX), self.stage.database() as db:
            while await rebuild.asked_for(db):  # noqa: ASYNC110 - what is awaited happens in other processes
                await asyncio.sleep(0.02)

    async def _noted(self, cause: Cause, seconds: float) -> Kill:
        """Remember the kill, after a quick look at what can be told while the load goes on."""
        first = self.kills[-1].ticks.stop if self.kills else 0
        kill = Kill(cause, seconds, range(first, self.load.ledger.tick + 1))
        self.kills.append(kill)
        entries = self.load.ledger.entries.values()
        recent = {e.action.client_id: e.id for e in entries if e.id and (e.acknowledged_at or 0) in kill.ticks}
        async with self.stage.database() as db:
            held = await _rows_of(db, self.namespace, list(recent))
            twice = await db.fetchval("SELECT count(*) - count(DISTINCT client_action_id) FROM user_actions")
        assert held == recent, f"after {cause}: {len(recent)} were acknowledged, and {len(held)} of them are there"
        assert not twice, f"after {cause}: {twice} rows are doubled"
        assert not self.load.ledger.faults, f"after {cause}: {self.load.ledger.faults[:3]}"
        return kill

    async def check(self) -> None:
        """Once nothing moves any more, everything is as the ledger and the recomputation say."""
        await self.stage.ready()
        await settled(self.stage)
        self.found = findings(self.load.ledger, await read_state(self.stage))
        assert not self.found, summary(self.found)
        # A job may have a process of its own for a moment.
        await until(lambda: not self.stage.strangers(), seconds_max=STRANGERS_SECONDS_MAX)


async def strike(stage: Stage, kind: Kind, rng: Random) -> float:
    """kill -9, and when that was; a supervisor is started again at once."""
    if kind is Kind.SUPERVISOR:
        began = time.monotonic()
        stage.kill()
        stage.start()
        await stage.ready("api")
        return began
    pid = await _a_backend(stage, rng) if kind is Kind.BACKEND else stage.running()[kind].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()


async def _a_backend(stage: Stage, rng: Random) -> int:
    async with stage.database() as db:
        rows = await db.fetch(
            """SELECT pid FROM pg_stat_activity
               WHERE application_name = 'casino-club' ORDER BY state = 'active' DESC, pid LIMIT 4"""
        )
    pid: int = rng.choice(rows)[0]
    return pid


async def _rows_of(db: asyncpg.Connection, namespace: int, keys: list[object]) -> dict[object, int]:
    rows = await db.fetch(
        """SELECT a.client_action_id, a.id FROM action_keys AS k JOIN user_actions AS a USING (id)
           WHERE k.scope = $1 AND k.key = ANY($2::uuid[])""",
        namespace,
        keys,
    )
    return {row[0]: row[1] for row in rows}


def needed(cause: Cause) -> set[str]:
    """Who must be at its post before the kill: the victim, and the API, which is there once `up` has started all."""
    if isinstance(cause, Point):
        return {cause.process, "api"}
    return {"api"} | ({"postgresql"} if cause is Kind.BACKEND else {str(cause)} - {str(Kind.SUPERVISOR)})


async def a_round(
    stage: Stage, *, seed: str, host: str = "127.0.0.1", port: int | None = None, tells_times: bool = True
) -> Round:
    """A stage, a load that does not run yet, and a moment for each kill."""
    key, namespace = await stage.make_key()
    load = Load(port or stage.port, key, seed=seed, host=host, tells_times=tells_times)
    return Round(stage, load, Random(f"{seed}/kills"), namespace)
