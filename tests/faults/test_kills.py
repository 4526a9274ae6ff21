"""kill -9 under load: whatever was acknowledged is there exactly once, and everything works again by itself."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.killing import Cause, Kind, Round, a_round
from tests.faults.load import PRESENT_USERS, a_batch
from tests.faults.page import Tally, tallies_of
from tests.faults.points import Point
from tests.faults.stage import staged
from tests.faults.truth import all_closed

SEED = "2026-11-20"
ROTATIONS_PER_ROUND = 5
TEST_SECONDS_MAX = 3_600


def rotations(causes: Iterable[Cause], kills: int) -> Iterator[list[list[Cause]]]:
    """Rounds of rotations: in each rotation every cause comes once, in an order of its own."""
    rng = Random(SEED)
    every = [rng.sample(list(causes), len(list(causes))) for _ in range(kills)]
    for start in range(0, kills, ROTATIONS_PER_ROUND):
        yield every[start : start + ROTATIONS_PER_ROUND]


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_kill_at_a_random_moment_loses_or_doubles_what_was_acknowledged(
    tmp_path: Path, kills: int, tallies: list[Tally]
) -> None:
    for number, rounds in enumerate(rotations(Kind, kills)):
        await kill_all(tmp_path / str(number), rounds, tallies, seed=f"{SEED}/{number}")


@pytest.mark.timeout(TEST_SECONDS_MAX)
async def test_no_kill_at_a_named_point_loses_or_doubles_what_was_acknowledged(
    tmp_path: Path, kills: int, tallies: list[Tally]
) -> None:
    for number, rounds in enumerate(rotations(Point, kills)):
        await kill_all(tmp_path / str(number), rounds, tallies, seed=f"{SEED}/points/{number}", is_armed=True)


async def kill_all(
    folder: Path, rounds: list[list[Cause]], tallies: list[Tally], *, seed: str, is_armed: bool = False
) -> None:
    print(f"seed {seed}")  # noqa: T201 - a failure must be repeatable
    async with staged(folder, is_armed=is_armed) as stage:
        current = await a_round(stage, seed=seed)
        async with current.load.running():
            await kill_in_turn(current, rounds, is_armed=is_armed)
        try:
            await current.check()
            await all_closed(stage)
        finally:
            tallies += tallies_of(current)


async def kill_in_turn(current: Round, rounds: list[list[Cause]], *, is_armed: bool) -> None:
    """Armed processes die often: a new `up`, under load as well, has them started again without a growing pause."""
    if is_armed:
        await fill_two_pages(current)
    for place, causes in enumerate(rounds):
        if is_armed and place:
            await asyncio.to_thread(current.stage.stop)
            current.stage.start()
        for cause in causes:
            await current.kill(cause)


async def fill_two_pages(current: Round) -> None:
    """A rebuild must have a middle."""
    for _ in range(2):
        await current.load.send(a_batch(current.rng, list(PRESENT_USERS) * 60), seconds_max=30.0)
