"""What must hold under load without a crash of ours: opposite batches, and a hot store that was emptied."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from tests.faults.killing import Round, a_round
from tests.faults.load import a_batch
from tests.faults.stage import staged
from tests.faults.truth import hot_store
from tests.infra.waiting import until

USERS = range(20_001, 30_001)
TIMES = 3


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Round]:
    """One stage and one ledger for the tests of this file."""
    async with staged(tmp_path_factory.mktemp("shared")) as stage:
        yield await a_round(stage, seed="shared")


@pytest.mark.timeout(240)
async def test_two_large_batches_with_the_same_users_in_opposite_order_both_get_in(shared: Round) -> None:
    rng = Random("opposite")

    for _ in range(TIMES):
        await asyncio.gather(
            shared.load.send(a_batch(rng, USERS), seconds_max=60.0),
            shared.load.send(a_batch(rng, USERS[::-1]), seconds_max=60.0),
        )

    assert shared.load.ledger.acknowledged == 2 * TIMES * len(USERS)
    await shared.check()


@pytest.mark.timeout(240)
async def test_a_hot_store_that_was_emptied_under_load_is_rebuilt_to_what_the_log_says(shared: Round) -> None:
    async with shared.load.running():
        await some_more(shared)

        async with hot_store(shared.stage) as redis:
            await redis.flushall()
        await shared.stage.command("replay", "hot")
        await some_more(shared)

    await shared.check()


async def some_more(current: Round) -> None:
    enough = current.load.ledger.acknowledged + 100
    await until(lambda: current.load.ledger.acknowledged > enough)
