"""The checks are only worth something if they find what processes with a fault do."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.cluster import strikes
from tests.faults.cluster.club import Ways, a_club
from tests.faults.cluster.points import Point, Wrong
from tests.faults.cluster.site import Site
from tests.faults.cluster.trial import a_trial

FOUND: Mapping[Wrong, tuple[Point | Wrong, str]] = {
    Wrong.HASTY_RELAY: (Wrong.HASTY_RELAY, "the topic lacks"),
    Wrong.HASTY_CONSUMER: (Wrong.HASTY_CONSUMER, "actions lacks"),
    Wrong.FORGETFUL_CONSUMER: (Point.INSERTED, "actions holds"),
}
"""Where each is killed, and what is found then."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wrong", Wrong)
async def test_a_process_with_a_fault_is_found(site: Site, tmp_path: Path, wrong: Wrong) -> None:
    point, words = FOUND[wrong]
    async with a_club(site, tmp_path, Ways(is_armed=True, wrong=wrong)) as club, a_trial(club, [], seed=wrong) as trial:
        async with trial.under_load():
            club.ways = Ways()  # Whoever is started next has no fault.
            await strikes.kill_at(point)(trial)

        found = await trial.check()

    assert Counter(each.kind for each in found)["doubled" if "holds" in words else "lost"] > 0
    assert any(words in each.what for each in found)
