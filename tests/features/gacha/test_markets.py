"""Where a market keeps what was paid for away from stakes, no gem that was paid for leads there through a gacha."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.entry.wiring import load_market
from casino_club.features.gacha.rules.openings import KEPT, can_be_staked
from casino_club.features.gacha.rules.refusals import FreeGemsOnly
from casino_club.features.odds.rules.shapes import PrizeKind
from casino_club.features.rewards.rules.rewards import MONEY, RewardType
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.infra.db.database import Database
from tests.features.gacha.arcade import GALLERY, SHIPPED, Arcade, open_arcade

STAKEABLE = {*MONEY, RewardType.FREE_SPIN, RewardType.COUPON}


@given(st.sets(st.sampled_from(list(PrizeKind))))
def test_one_prize_that_can_be_staked_makes_all_pulls_such(kinds: set[PrizeKind]) -> None:
    assert can_be_staked(kinds) is bool({each.value for each in kinds} & {each.value for each in STAKEABLE})


def test_every_kind_of_prize_is_one_or_the_other() -> None:
    assert {each.value for each in PrizeKind} == KEPT | {each.value for each in STAKEABLE}


async def refused_and_unmoved(arcade: Arcade) -> FreeGemsOnly:
    before = await arcade.kept(), await arcade.holds()
    with pytest.raises(FreeGemsOnly) as refused:
        await arcade.open(arcade.wish(10, product=SHIPPED))
    assert (await arcade.kept(), await arcade.holds()) == before
    return refused.value


@pytest.mark.parametrize("market", ["kr", "default"])
async def test_gems_that_were_paid_for_open_what_can_not_be_staked_and_nothing_else(
    database: Database, market: str
) -> None:
    arcade = await open_arcade(database, market)
    await arcade.seat(paid_gems=50, free_gems=9)

    assert "10 free gems, and you have 9" in (await refused_and_unmoved(arcade)).message
    shown = await arcade.shown()
    assert (shown[SHIPPED].funds, shown[GALLERY].funds) == (["free_gems"], ["free_gems", "paid_gems"])
    made = await arcade.open(arcade.wish(10, product=GALLERY))

    assert made.paid_gems == 10, "the oldest first"
    assert {pull.reward_type for pull in made.pulls} <= KEPT
    assert await arcade.holds() == {"paid_gems": 40, "free_gems": 9}


async def test_free_gems_are_taken_from_behind_those_that_may_not(database: Database) -> None:
    arcade = await open_arcade(database, "kr")
    await arcade.seat(paid_gems=50, free_gems=10)

    made = await arcade.open(arcade.wish(10, product=SHIPPED))

    held = await arcade.holds()
    assert (made.paid_gems, held["paid_gems"], held.get("free_gems", 0)) == (0, 50, 0)


async def test_where_the_market_lets_them_gems_that_were_paid_for_open_all(database: Database) -> None:
    arcade = await open_arcade(database, "eu")
    await arcade.seat(paid_gems=50, free_gems=9)

    made = await arcade.open(arcade.wish(10, product=SHIPPED))

    assert made.paid_gems == 10


async def test_without_the_rule_the_ledger_alone_keeps_them_away(database: Database) -> None:
    """A command that let any gem pay would still find the way closed."""
    arcade = await open_arcade(database, "kr")
    await arcade.seat(paid_gems=50)

    careless = replace(arcade, desk=replace(arcade.desk, market=load_market("eu")))
    with pytest.raises(InsufficientFunds):
        await careless.open(arcade.wish(10, product=SHIPPED))

    assert await arcade.holds() == {"paid_gems": 50}
