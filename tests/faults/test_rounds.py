"""200 users on all games while API and PostgreSQL are killed: every acknowledged round is found again, and every coin.

`CASINO_CLUB_TEST_ROUNDS_SECONDS` says for how long; the page that shows it is made of five minutes.
"""

import asyncio
import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults import rounds_page
from tests.faults.gaming import Crowd, gathered
from tests.faults.killing import Kind
from tests.faults.rounds_page import Recovery
from tests.faults.rounds_truth import differences
from tests.faults.stage import Stage, staged
from tests.infra.waiting import until

PAGE = os.environ.get("CASINO_CLUB_TEST_FAULTS_PAGE", "")
SECONDS = float(os.environ.get("CASINO_CLUB_TEST_ROUNDS_SECONDS") or (300 if PAGE else 40))
USERS = 200
KILL_EVERY_SECONDS = 18.0
"""On average. Who dies more often than every half a minute is started again after ever longer pauses."""
RECOVERY_SECONDS_MAX = 60.0
SEED = "2026-11-20"
GIVEN = {
    "CASINO_CLUB_AGE_VERIFIER": "sandbox",
    "CASINO_CLUB_PAYMENT_PROVIDER": "sandbox",
    "CASINO_CLUB_PROXIES_IN_FRONT": "1",
}
VICTIMS = (Kind.API, Kind.POSTGRESQL)


@pytest.mark.timeout(SECONDS + 900)
async def test_every_acknowledged_round_is_found_again_and_every_other_lands_once(tmp_path: Path) -> None:
    async with staged(tmp_path, given=GIVEN) as stage:
        await stage.ready()
        crowd = await gathered(stage.port, USERS, seed=SEED)
        try:
            recoveries = await play_under_kills(stage, crowd)
            load = os.getloadavg()[1]
            found = await differences(stage, crowd)
        finally:
            await crowd.close()

    seen = rounds_page.Seen(SECONDS, crowd, recoveries, found, load)
    print("\n" + rounds_page.table(seen))  # noqa: T201 - whoever runs it wants the figures
    assert found == [], found[:10]
    if PAGE:
        rounds_page.write(Path(PAGE), seen, processors=os.cpu_count() or 1)


async def play_under_kills(stage: Stage, crowd: Crowd) -> list[Recovery]:
    """Everybody plays; one after the other dies at a random moment."""
    killing = asyncio.create_task(_kill(stage, crowd))
    playing = asyncio.create_task(crowd.play())
    await asyncio.wait([playing, killing], return_when=asyncio.FIRST_EXCEPTION)
    crowd.is_over = True
    await asyncio.gather(playing, killing)
    return killing.result()


async def _kill(stage: Stage, crowd: Crowd) -> list[Recovery]:
    rng, ends_at, recoveries = Random(SEED), time.monotonic() + SECONDS, list[Recovery]()
    while time.monotonic() < ends_at and not crowd.is_over:
        victim = VICTIMS[len(recoveries) % len(VICTIMS)]
        await asyncio.sleep(rng.uniform(0.5, 1.5) * KILL_EVERY_SECONDS)
        await stage.ready("api", "postgresql")
        pid = stage.running()[victim].pid
        assert pid is not None
        os.kill(pid, 9)
        recoveries.append(Recovery(victim, await _recovered(crowd)))
    crowd.is_over = True
    return recoveries


async def _recovered(crowd: Crowd) -> float:
    """How long it takes until something is acknowledged that was sent after this moment."""
    began = time.monotonic()
    await until(lambda: crowd.tellers.last_sent_at > began, seconds_max=RECOVERY_SECONDS_MAX)
    return time.monotonic() - began
