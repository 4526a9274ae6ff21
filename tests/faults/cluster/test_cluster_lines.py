"""Every line between two processes of a cluster, cut and lossy: nothing is lost or doubled, and all comes back."""

from pathlib import Path

import pytest

from casino_club.infra import silence
from tests.faults.cluster import strikes
from tests.faults.cluster.brokers import NODES
from tests.faults.cluster.club import a_club
from tests.faults.cluster.extent import Extent
from tests.faults.cluster.site import Site
from tests.faults.cluster.trial import Outcome, a_trial

LINES = (
    ("api", "postgresql"),
    ("api", "redis"),
    ("relay", "postgresql"),
    ("relay", "kafka"),
    ("consumer", "postgresql"),
    ("consumer", "redis"),
    ("consumer", "kafka"),
    ("consumer", "warehouse"),
)
"""Who speaks with whom. Nobody else asks the warehouse, and the relay needs no Redis."""
TRUTH = LINES[0]
"""While this line is cut, no action is taken."""
TOLD_SECONDS = silence.SECONDS_MAX + 8.0
"""Long enough for clients to be told that it is."""
LOST_SHARE = 0.2
TEST_SECONDS_MAX = 7_200


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_whatever_line_is_cut_or_loses_packets_every_row_arrives_once(
    site: Site, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    async with a_club(site, tmp_path) as club, a_trial(club, outcomes, seed="lines") as trial:
        for _ in range(extent.times):
            for ends in LINES:
                line = site.line(*ends)
                seconds = max(extent.seconds, TOLD_SECONDS) if ends == TRUTH else extent.seconds
                cut = strikes.lose_packets(1.0, line, seconds=seconds, stops_actions=ends == TRUTH)
                lossy = strikes.lose_packets(LOST_SHARE, line, seconds=extent.seconds)
                await trial.suffer(f"{' cut from '.join(ends)}, {seconds:.0f} s", cut)
                await trial.suffer(_lossy(" and ".join(ends), extent), lossy)
        answers = trial.load.answers
        assert answers[503] > 0, "clients were told nothing while PostgreSQL was out of reach"
        assert answers.keys() <= {200, 201, 503}


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_whatever_befalls_the_lines_between_brokers_every_row_arrives_once(
    site: Site, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    async with a_club(site, tmp_path) as club, a_trial(club, outcomes, seed="brokers' lines") as trial:
        for _ in range(extent.times):
            for node in NODES:
                cut = strikes.lose_packets(1.0, site.line_between_brokers(node), seconds=extent.seconds)
                await trial.suffer(f"one broker cut from the others, {extent.seconds:.0f} s", cut)
                await strikes.all_in_sync(trial)
            lossy = strikes.lose_packets(LOST_SHARE, site.line_between_brokers(NODES[0]), seconds=extent.seconds)
            await trial.suffer(_lossy("one broker and the others", extent), lossy)
            await strikes.all_in_sync(trial)


def _lossy(ends: str, extent: Extent) -> str:
    return f"{LOST_SHARE:.0%} lost each way between {ends}, {extent.seconds:.0f} s"
