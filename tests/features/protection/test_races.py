"""Who excludes themselves while their bets are under way: no bet is let in once the exclusion stands.

`CASINO_CLUB_TEST_RACES` says how many races.
"""

import asyncio
import os
import random
from contextlib import suppress

import pytest

from casino_club.features.protection.commands import resting
from casino_club.features.protection.commands.admitting import admit
from casino_club.features.protection.rules.occasions import Occasion
from casino_club.features.protection.rules.refusals import Vetoed
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.features.protection.guarding import Guard

RACES = int(os.environ.get("CASINO_CLUB_TEST_RACES", "1000"))
AT_ONCE = 20
BETS = 4
NOTED = "INSERT INTO noted (user_id, what) VALUES ($1, $2)"


@pytest.fixture
async def arena(guard: Guard) -> Guard:
    """With a table that notes who came when. Its numbers are drawn under the user's lock, so they are in its order."""
    async with guard.database.transaction() as db:
        await db.execute("CREATE TABLE noted (place bigint GENERATED ALWAYS AS IDENTITY, user_id bigint, what text)")
    return guard


async def bet(guard: Guard, user_id: int) -> None:
    """A bet as the veto alone sees it: without the log's lock, which would hide a missing one of ours."""

    async def work(db: Db) -> None:
        occasion = random.choice((Occasion.BET, Occasion.PURCHASE, Occasion.BONUS, Occasion.GRANT))
        await admit(db, user_id, occasion, 1, currency=Currency.COIN, now=NOON, policy=guard.policy)
        await asyncio.sleep(random.choice((0, 0, 0.002)))
        await db.execute(NOTED, user_id, "bet")

    with suppress(Vetoed):
        await guard.run(work)


async def exclude(guard: Guard, user_id: int) -> None:
    async def work(db: Db) -> None:
        await resting.exclude(db, user_id, months=6, now=NOON, policy=guard.policy)
        await db.execute(NOTED, user_id, "exclusion")

    await guard.run(work)


async def race(guard: Guard, user_id: int) -> None:
    async def after(seconds: float, work: str) -> None:
        await asyncio.sleep(seconds)
        await (exclude(guard, user_id) if work == "exclude" else bet(guard, user_id))

    delays = [random.uniform(0, 0.02) for _ in range(BETS)]
    await asyncio.gather(after(random.uniform(0, 0.02), "exclude"), *(after(delay, "bet") for delay in delays))


@pytest.mark.timeout(120 + RACES)
async def test_no_bet_is_let_in_once_its_user_is_excluded(arena: Guard) -> None:
    for first in range(1, RACES + 1, AT_ONCE):
        await asyncio.gather(*(race(arena, user_id) for user_id in range(first, first + AT_ONCE)))

    async with arena.database.connection() as db:
        late = await db.fetchval(
            """SELECT count(*) FROM noted AS bet JOIN noted AS exclusion USING (user_id)
               WHERE bet.what = 'bet' AND exclusion.what = 'exclusion' AND bet.place > exclusion.place"""
        )
        bets = await db.fetchval("SELECT count(*) FROM noted WHERE what = 'bet'")
        exclusions = await db.fetchval("SELECT count(*) FROM noted WHERE what = 'exclusion'")
    assert late == 0
    assert exclusions >= RACES
    assert 0 < bets < exclusions * BETS, "the races were none"
