"""What lasts: servers away, a full disk; and messages that come again or should not be there."""

from pathlib import Path

import pytest

from tests.faults.cluster import strikes
from tests.faults.cluster.club import a_club
from tests.faults.cluster.extent import Extent
from tests.faults.cluster.site import Site
from tests.faults.cluster.trial import Outcome, a_trial

SERVERS = ("redis", "warehouse", "postgresql")
TEST_SECONDS_MAX = 7_200


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_whatever_server_is_away_for_a_while_every_row_arrives_once(
    site: Site, tmp_path: Path, extent: Extent, outcomes: list[Outcome]
) -> None:
    seconds = extent.seconds
    every = {name: strikes.away(name, seconds=seconds) for name in SERVERS}
    every["all three brokers"] = strikes.brokers_away(seconds=seconds)
    async with a_club(site, tmp_path) as club, a_trial(club, outcomes, seed="away") as trial:
        for _ in range(extent.times):
            for name, strike in every.items():
                await trial.suffer(f"{name} away, {seconds:.0f} s", strike)
            await trial.suffer(f"warehouse's disk full, {seconds:.0f} s", strikes.full_disk(seconds=seconds))
            await strikes.all_in_sync(trial)


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_a_row_that_cannot_be_taken_is_parked_alone_and_messages_that_come_again_change_nothing(
    site: Site, tmp_path: Path, outcomes: list[Outcome]
) -> None:
    async with a_club(site, tmp_path) as club, a_trial(club, outcomes, seed="messages") as trial:
        await trial.suffer("a poisoned row", strikes.poison)
        await trial.suffer("every message delivered again, the latest in bursts", strikes.send_all_again)
        await trial.suffer("messages that nobody understands", strikes.send_garbage)

        assert len(trial.parked) == 1
