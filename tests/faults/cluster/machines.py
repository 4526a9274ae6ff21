"""A cluster of machines whose clocks jump and whose disks are slow or full, each one's alone, and what that does."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from casino_club.infra.backends.embedded import postgres, redis
from tests.faults import disks, shims
from tests.faults.clocks import Clocks
from tests.faults.cluster.brokers import NODES
from tests.faults.cluster.site import Site, a_site
from tests.faults.cluster.strikes import Strike
from tests.faults.cluster.trial import Trial
from tests.faults.disks import SlowDisks
from tests.faults.load import PRESENT_USERS, a_batch
from tests.infra.waiting import until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS = (HOUR, -HOUR, DAY, -DAY)
OURS = ("serve", "relay", "consumer")
DATABASE, HOT_STORE, WAREHOUSE = "postgres", "valkey-server", "tests.faults.cluster.bound_engine"
KAFKA = tuple(f"node-{node}/server.properties" for node in NODES)
"""The words by which the libraries know whom they are loaded into."""
SHARED_DISK_MB, BROKERS_DISK_MB = 768, 192
START_SECONDS, TOLD_SECONDS_MAX = 1.0, 60.0


@dataclass(frozen=True)
class Machines:
    """A site, and what steers its clocks and disks."""

    site: Site
    clocks: Clocks
    slow_disks: SlowDisks
    shared_disk: Path
    """Of PostgreSQL, Redis and our own processes."""
    brokers_disks: Mapping[int, Path]
    """Of each broker's data."""


def why_not() -> str | None:
    """What this machine lacks, if it does."""
    return shims.why_not() or disks.why_no_small_disk()


@asynccontextmanager
async def some_machines() -> AsyncIterator[Machines]:
    """Everything up; ended and forgotten afterwards."""
    async with AsyncExitStack() as stack:
        libraries, programs = stack.enter_context(shims.open_folder()), (*OURS, DATABASE, HOT_STORE, WAREHOUSE, *KAFKA)
        clocks, slow_disks = Clocks(libraries, programs), SlowDisks(libraries, programs)
        shared = stack.enter_context(disks.small_disk(SHARED_DISK_MB))
        brokers = {node: stack.enter_context(disks.small_disk(BROKERS_DISK_MB)) for node in NODES}
        for node, disk in brokers.items():
            home = shared / "kafka" / f"node-{node}"
            home.mkdir(parents=True)
            (home / "data").symlink_to(disk)
        stack.enter_context(_loaded(shims.together(clocks.environment, slow_disks.environment)))
        site = await stack.enter_async_context(a_site(shared))
        yield Machines(site, clocks, slow_disks, shared, brokers)


@contextmanager
def _loaded(environment: Mapping[str, str]) -> Iterator[None]:
    """Whatever is started inside finds this in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
            for server in (postgres, redis):
                patch.setitem(server.ENVIRONMENT, name, value)
        yield


def jump(machines: Machines, *programs: str, seconds: float) -> Strike:
    """Clocks that are an hour or a day ahead, or behind, each for a part of the time, and right again."""

    async def strike(trial: Trial) -> float:
        await _under_our_hand(machines.clocks, programs)
        for by in JUMPS:
            _set(machines.clocks, programs, by)
            await _meanwhile(trial, seconds / len(JUMPS))
        _set(machines.clocks, programs, timedelta())
        began = time.monotonic()
        if HOT_STORE in programs:
            # A Redis whose clock was ahead let values end. They are there again with each user's next play.
            await trial.load.send(a_batch(trial.rng, list(PRESENT_USERS)))
        return began

    return strike


async def _under_our_hand(steered: Clocks | SlowDisks, programs: Sequence[str]) -> None:
    """Or nothing would happen, and all would look well."""
    strangers = [program for program in programs if not await asyncio.to_thread(steered.has, program)]
    assert not strangers, f"{strangers} can't be steered"


def _set(clocks: Clocks, programs: Sequence[str], by: timedelta) -> None:
    for program in programs:
        clocks.jump(program, by)


def slow(machines: Machines, *programs: str, by: timedelta, seconds: float) -> Strike:
    """Every write and flush takes longer for a while."""

    async def strike(trial: Trial) -> float:
        await _under_our_hand(machines.slow_disks, programs)
        for program in programs:
            machines.slow_disks.slow(program, by)
        await _meanwhile(trial, seconds)
        for program in programs:
            machines.slow_disks.slow(program, timedelta())
        return time.monotonic()

    return strike


def full(machines: Machines, *folders: Path, seconds: float) -> Strike:
    """Nothing more goes onto disks of brokers for a while. Those that end are started again and again."""

    async def strike(trial: Trial) -> float:
        is_over = asyncio.Event()
        starting = asyncio.create_task(_start_brokers(machines, is_over))
        with _filled(*folders):
            await _meanwhile(trial, seconds)
        began = time.monotonic()
        is_over.set()
        await starting
        return began

    return strike


async def _start_brokers(machines: Machines, is_over: asyncio.Event) -> None:
    """As a service manager does it, which minds no failure; once it is over, until all run."""
    is_last = False
    while not is_last:
        was_over = is_over.is_set()
        try:
            await asyncio.to_thread(machines.site.brokers.start_again)
        except AssertionError:
            continue
        is_last = was_over
        await asyncio.sleep(START_SECONDS)


def full_for_all_else(machines: Machines, *, seconds: float) -> Strike:
    """The same where PostgreSQL, Redis and our own processes write, until clients have been told so for a while."""

    async def strike(trial: Trial) -> float:
        before = trial.load.answers[503]
        with _filled(machines.shared_disk):
            await until(lambda: trial.load.answers[503] > before, seconds_max=TOLD_SECONDS_MAX)
            await asyncio.sleep(seconds)
        return time.monotonic()

    return strike


@contextmanager
def _filled(*folders: Path) -> Iterator[None]:
    ballast = [each for folder in folders for each in disks.fill_up(folder)]
    try:
        yield
    finally:
        for each in ballast:
            each.unlink()


async def _meanwhile(trial: Trial, seconds: float) -> None:
    """So long it lasts, and actions are taken all the while."""
    before = trial.load.ledger.acknowledged
    await asyncio.sleep(seconds)
    assert trial.load.ledger.acknowledged > before, "nothing was acknowledged meanwhile"
