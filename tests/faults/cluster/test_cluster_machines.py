"""Disks that are slow or full, and clocks that jump, one machine's after another's: every row arrives once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.cluster import machines
from tests.faults.cluster.club import a_club
from tests.faults.cluster.extent import Extent
from tests.faults.cluster.machines import DAY, Machines, some_machines
from tests.faults.cluster.site import why_not
from tests.faults.cluster.trial import Outcome, a_trial

SLOWER = timedelta(milliseconds=20)
TEST_SECONDS_MAX = 3_600
CLOCKS = {
    "relay": ("relay",),
    "consumer": ("consumer",),
    "the warehouse": (machines.WAREHOUSE,),
    "one broker of three": machines.KAFKA[:1],
    "redis": (machines.HOT_STORE,),
    "postgresql": (machines.DATABASE,),
    "api": ("serve",),
}
SLOW = {
    "the warehouse": (machines.WAREHOUSE,),
    "all three brokers": machines.KAFKA,
    "postgresql and redis": (machines.DATABASE, machines.HOT_STORE),
}


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Machines]:
    """Servers of its own: what is loaded into these is no matter for other tests."""
    if reason := why_not() or machines.why_not():
        pytest.skip(reason)
    async with some_machines() as made:
        yield made


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_disk_of_a_cluster_that_is_slow_or_full_loses_or_doubles_anything(
    cluster: Machines, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    seconds, of_brokers = extent.seconds, list(cluster.brokers_disks.values())
    slow = {
        f"disk of {name} slow by 20 ms a write": machines.slow(cluster, *programs, by=SLOWER, seconds=seconds)
        for name, programs in SLOW.items()
    }
    full = {
        "disk of one broker of three full": machines.full(cluster, *of_brokers[:1], seconds=seconds),
        "disks of all three brokers full": machines.full(cluster, *of_brokers, seconds=seconds),
        "disk of postgresql, redis and our own processes full": machines.full_for_all_else(cluster, seconds=seconds),
    }
    async with (
        a_club(cluster.site, cluster.shared_disk / "club") as club,
        a_trial(club, outcomes, seed="disks") as trial,
    ):
        for name, strike in (slow | full).items():
            await trial.suffer(f"{name}, {seconds:.0f} s", strike)


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_clock_of_a_cluster_that_jumps_loses_or_doubles_anything(
    cluster: Machines, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    seconds = extent.seconds
    async with (
        a_club(cluster.site, tmp_path) as club,
        a_trial(club, outcomes, seed="clocks", tells_times=False) as trial,
    ):
        # What came while the API's clock was a day ahead may have been stored when it was a day behind.
        trial.load.ledger.clock_error = 2 * DAY
        for name, programs in CLOCKS.items():
            await trial.suffer(f"clock of {name} jumps", machines.jump(cluster, *programs, seconds=seconds))
