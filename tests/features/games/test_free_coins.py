"""Coins return over time, to those who have few, once each time."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.games.commands.free_coins import Claimed, claim, offered
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.free_coins import FreeCoins, check_due, to_give
from casino_club.features.protection.public import Vetoed
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.public import set_bonus_terms
from casino_club.features.wallet.public import Pocket
from casino_club.kernel.errors import Refused
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.parlour import Parlour
from tests.features.protection.guarding import Guard

HOURS = timedelta(hours=1)
POLICY = FreeCoins(500, 2_000, 4 * HOURS)


async def take(parlour: Parlour, user_id: int = USER, *, now: datetime = NOON) -> Claimed:
    return await parlour.run(lambda db: claim(db, parlour.desk, user_id, now=now))


@given(st.integers(0, 10_000))
def test_free_coins_bring_nobody_above_the_ceiling(balance: int) -> None:
    coins = to_give(POLICY, balance)

    assert 0 <= coins <= 500
    assert coins == 0 or balance + coins <= 2_000
    assert coins == 500 or balance + coins >= 2_000


@pytest.mark.parametrize(
    ("balance", "waited", "refused"),
    [
        (0, timedelta(hours=3, minutes=59), refusals.FreeCoinsTooSoon),
        (2_000, 4 * HOURS, refusals.CoinsEnough),
        (5_000, None, refusals.CoinsEnough),
    ],
)
def test_who_has_enough_or_comes_too_soon_gets_none(
    balance: int, waited: timedelta | None, refused: type[Refused]
) -> None:
    with pytest.raises(refused):
        check_due(POLICY, balance, None if waited is None else NOON - waited, NOON)


async def test_whoever_has_nothing_can_play_on_without_paying(parlour: Parlour) -> None:
    await parlour.seat(8)

    first = await take(parlour, 8)
    with pytest.raises(refusals.FreeCoinsTooSoon) as early:
        await take(parlour, 8, now=NOON + 3 * HOURS)
    second = await take(parlour, 8, now=NOON + 4 * HOURS)

    assert first == Claimed(500, 500, NOON + 4 * HOURS)
    assert early.value.retry_after_seconds == 3_600
    assert second.balance == 1_000
    assert await parlour.holds(8) == {"coins": 1_000}
    assert (await parlour.play(parlour.spin(user_id=8))).staked == 100


async def test_of_many_at_once_one_takes(parlour: Parlour) -> None:
    ends = await asyncio.gather(*(take(parlour) for _ in range(20)), return_exceptions=True)

    assert [end.balance for end in ends if isinstance(end, Claimed)] == [1_500]
    assert {type(end) for end in ends} == {Claimed, refusals.FreeCoinsTooSoon}
    assert await parlour.holds() == {"coins": 1_500}
    async with parlour.database.connection() as db:
        told = await db.fetch("SELECT metadata->>'reward_type' FROM user_actions WHERE action_type = 'CLAIM_REWARD'")
    assert [row[0] for row in told] == ["COIN"]


async def test_who_is_refused_keeps_their_turn(parlour: Parlour) -> None:
    await parlour.give(USER, Pocket.COINS, 1_000)

    with pytest.raises(refusals.CoinsEnough):
        await take(parlour)
    await parlour.play(parlour.spin(1_000))

    there = await parlour.run(lambda db: offered(db, parlour.desk, USER, now=NOON + HOURS))
    assert there.next_at is None
    assert there.coins == max(0, min(500, 2_000 - (await parlour.holds()).get("coins", 0)))


async def test_the_excluded_get_none_and_the_limited_do(parlour: Parlour) -> None:
    guard = Guard(parlour.database, parlour.desk.protection)
    await guard.impose(Status.LIMITED)
    assert (await take(parlour)).coins == 500
    await guard.impose(Status.EXCLUDED, days=200)

    with pytest.raises(Vetoed):
        await take(parlour, now=NOON + 5 * HOURS)

    assert await parlour.holds() == {"coins": 1_500}


async def test_free_coins_are_more_by_level_and_streak_up_to_the_same_ceiling(parlour: Parlour) -> None:
    await parlour.seat(8)
    await parlour.run(lambda db: set_bonus_terms(db, 8, level=3, risk="moderate", now=NOON))

    first = await take(parlour, 8)
    await parlour.play(parlour.spin(10, user_id=8))
    there = await parlour.run(lambda db: offered(db, parlour.desk, 8, now=NOON))
    away = await parlour.run(lambda db: offered(db, parlour.desk, 8, now=NOON + 4 * HOURS))
    await parlour.give(8, Pocket.COINS, 1_990 - (await parlour.holds(8))["coins"])
    last = await take(parlour, 8, now=NOON + 4 * HOURS)

    assert (first.coins, there.coins, away.coins) == (600, 606, 600)
    assert (last.coins, last.balance) == (10, 2_000)
