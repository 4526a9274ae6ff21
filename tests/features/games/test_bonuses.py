"""A bonus comes on top of a round: part of its transaction, and of nothing that the round itself draws or wins."""

import pytest

from casino_club.features.odds.commands.versions import pause, resume
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.commands.bonus import bonus_chance
from casino_club.features.wallet.public import InsufficientFunds
from casino_club.kernel.clock import to_us
from casino_club.kernel.subject import OPERATOR
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.parlour import Parlour, seconds
from tests.features.protection.guarding import Guard

SLOT = "slot-orchard"


async def shown(parlour: Parlour) -> str:
    async with parlour.database.transaction() as db:
        offer = await bonus_chance(db, parlour.desk.odds, SLOT, USER, now=NOON, policy=parlour.desk.rewards)
    assert offer is not None
    return f"{offer.cell} {offer.chance}"


async def test_the_bonus_that_was_shown_is_drawn_and_the_streak_moves_afterwards(parlour: Parlour) -> None:
    before = await shown(parlour)

    first = await parlour.play(parlour.spin(product=SLOT))
    second = await parlour.play(parlour.spin(product=SLOT), now=NOON + seconds(3))

    assert first.bonus is not None
    assert second.bonus is not None
    assert f"{first.bonus.cell} {first.bonus.chance}" == before == "level-0-moderate-streak-0 1/20"
    assert second.bonus.cell == "level-0-moderate-streak-1"
    assert (await parlour.kept())["draws"] == 4
    assert await parlour.play(parlour.spin(product=SLOT, round_id=first.round_id), now=NOON + seconds(9)) == first


async def test_a_bonus_is_given_and_is_no_part_of_what_was_won(parlour: Parlour) -> None:
    await parlour.seat(8, coins=1_000_000)
    spins = [
        await parlour.play(parlour.spin(product=SLOT, user_id=8), now=NOON + seconds(3 * number))
        for number in range(40)
    ]

    given = [spin.bonus.reward_value for spin in spins if spin.bonus and spin.bonus.reward_value]
    assert given, "none of forty, with chances from 5% to 35%"
    assert set(given) == {8}
    held = (await parlour.holds(8))["coins"]
    assert held == 1_000_000 + sum(spin.won - 100 for spin in spins) + sum(given) == spins[-1].balance_after


async def test_a_bonus_never_pays_for_its_own_stake(parlour: Parlour) -> None:
    await parlour.seat(8, coins=99)
    async with parlour.database.transaction() as db:
        await db.execute("UPDATE action_user SET streak = 30, last_play_us = $1 WHERE user_id = 8", to_us(NOON))

    for _ in range(10):
        with pytest.raises(InsufficientFunds):
            await parlour.play(parlour.spin(product=SLOT, user_id=8))
        async with parlour.database.transaction() as db:
            await db.execute("UPDATE odds_seeds SET next_nonce = next_nonce + 1 WHERE user_id = 8")

    assert await parlour.holds(8) == {"coins": 99}


async def test_small_stakes_and_limited_users_have_none(parlour: Parlour) -> None:
    small = await parlour.play(parlour.spin(90, product=SLOT))
    await Guard(parlour.database, parlour.desk.protection).impose(Status.LIMITED)
    limited = await parlour.play(parlour.spin(product=SLOT), now=NOON + seconds(3))

    assert (small.bonus, limited.bonus) == (None, None)


async def test_while_a_bonus_rests_the_play_goes_on_without_it_and_says_so(parlour: Parlour) -> None:
    await parlour.run(lambda db: pause(db, "bonus-slot", because="a test", by=OPERATOR, now=NOON))

    before = await shown(parlour)
    resting = await parlour.play(parlour.spin(product=SLOT))
    await parlour.run(lambda db: resume(db, "bonus-slot", because="a test", by=OPERATOR, now=NOON))
    going_on = await parlour.play(parlour.spin(product=SLOT), now=NOON + seconds(3))

    assert before == "level-0-moderate-streak-0 0"
    assert resting.bonus is not None
    assert (resting.bonus.is_resting, resting.bonus.chance, resting.bonus.draw_id) == (True, "0", None)
    assert resting.bonus.reward_type is None
    assert going_on.bonus is not None
    assert (going_on.bonus.is_resting, going_on.bonus.chance) == (False, "3/50")
    assert (await parlour.kept())["draws"] == 3
