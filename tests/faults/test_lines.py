"""Who is cut off, or sits behind a bad line: what was acknowledged is there and shown, and all comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults import hosts
from tests.faults.hosted import PORT, Hosted, hosted_api, hosted_consumer
from tests.faults.killing import Trouble, a_round
from tests.faults.page import Tally, tallies_of
from tests.faults.stage import staged

CUT_SECONDS = 8.0
LOSS_SECONDS = 20.0


@pytest.mark.timeout(400)
async def test_an_api_behind_a_line_that_is_cut_or_loses_packets_loses_and_doubles_nothing(
    tmp_path: Path, tallies: list[Tally]
) -> None:
    if reason := hosts.why_not():
        pytest.skip(reason)
    with hosts.network() as network:
        async with staged(tmp_path) as stage, hosted_api(stage, network) as api:
            current = await a_round(stage, seed="lines", host=api.host.address, port=PORT)
            answers, ledger = current.load.answers, current.load.ledger
            async with current.load.running():
                await current.endure(Trouble.CUT_FROM_POSTGRESQL, cut(api, api.database))
                unavailable = answers[503]
                before = ledger.acknowledged
                await current.endure(Trouble.CUT_FROM_REDIS, cut(api, api.redis))
                without_redis = ledger.acknowledged - before
                await current.endure(Trouble.LOSS_5, losing(api, 0.05))
                await current.endure(Trouble.LOSS_20, losing(api, 0.2))
            try:
                await current.check()
            finally:
                tallies += tallies_of(current)
            assert unavailable > 0, "clients were told nothing while PostgreSQL was out of reach"
            assert without_redis > 0, "actions must not wait for Redis"
            assert answers.keys() <= {200, 201, 503}


@pytest.mark.timeout(400)
async def test_a_consumer_behind_a_line_that_is_cut_or_loses_packets_shows_everything_afterwards(
    tmp_path: Path, tallies: list[Tally]
) -> None:
    if reason := hosts.why_not():
        pytest.skip(reason)
    with hosts.network() as network:
        async with staged(tmp_path) as stage, hosted_api(stage, network) as api:
            current = await a_round(stage, seed="consumer's lines", host=api.host.address, port=PORT)
            async with current.load.running(), hosted_consumer(stage, network, api) as consumer:
                await current.endure(Trouble.CONSUMER_CUT_FROM_POSTGRESQL, cut(consumer, consumer.database))
                await current.endure(Trouble.CONSUMER_CUT_FROM_REDIS, cut(consumer, consumer.redis))
                await current.endure(Trouble.CONSUMER_LOSS_20, losing(consumer, 0.2))
            try:
                await current.check()
            finally:
                tallies += tallies_of(current)


@asynccontextmanager
async def cut(hosted: Hosted, address: str) -> AsyncIterator[None]:
    hosted.host.cut(address)
    await asyncio.sleep(CUT_SECONDS)  # Long enough for every wait of the API's own to run out.
    hosted.host.heal()
    yield


@asynccontextmanager
async def losing(hosted: Hosted, share: float) -> AsyncIterator[None]:
    hosted.host.lose(share, hosted.database)
    await asyncio.sleep(LOSS_SECONDS)
    hosted.host.heal()
    yield
