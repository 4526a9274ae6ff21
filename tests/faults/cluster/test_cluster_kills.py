"""kill -9 in a cluster: nothing that was acknowledged is lost or doubled on its way to the topic and the warehouse."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.cluster import strikes
from tests.faults.cluster.brokers import NODES
from tests.faults.cluster.club import Ways, a_club
from tests.faults.cluster.extent import Extent
from tests.faults.cluster.points import Point
from tests.faults.cluster.site import Site
from tests.faults.cluster.trial import Outcome, a_trial

PROCESSES = ("relay", "consumer", "api", "warehouse", "postgresql", "redis")
IN_AN_INSERT = "warehouse: rows on its disk, views not filled"
TURNS_PER_CLUB = 15
"""Each check reads everything, so that a log must not grow for ever."""
TEST_SECONDS_MAX = 14_400


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_kill_at_a_random_moment_loses_or_doubles_what_was_acknowledged(
    site: Site, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    async with a_club(site, tmp_path) as club, a_trial(club, outcomes, seed="random") as trial:
        for turn in range(extent.times):
            for name in trial.rng.sample(PROCESSES, len(PROCESSES)):
                await trial.suffer(name, strikes.kill(name))
            await trial.suffer("one broker of three", strikes.kill_brokers(NODES[turn % len(NODES)]))
            await strikes.all_in_sync(trial)
            await trial.suffer("all three brokers", strikes.kill_brokers(*NODES))
            await strikes.all_in_sync(trial)


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_kill_at_a_named_point_loses_or_doubles_what_was_acknowledged(
    site: Site, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    every = {str(point): strikes.kill_at(point) for point in Point} | {IN_AN_INSERT: strikes.kill_in_an_insert}
    turns = [name for _ in range(extent.kills) for name in Random("points").sample(list(every), len(every))]
    for start in range(0, len(turns), TURNS_PER_CLUB):
        seed, ways = f"points/{start}", Ways(is_armed=True)
        async with a_club(site, tmp_path / str(start), ways) as club, a_trial(club, outcomes, seed=seed) as trial:
            for number, name in enumerate(turns[start : start + TURNS_PER_CLUB], 1):
                await trial.suffer(name, every[name], is_checked=number % extent.kills_per_check == 0)
            assert not await trial.check()
