"""Rewards given, used up and run out, on a real database."""

import asyncio
import json
from datetime import timedelta

import pytest

from casino_club.features.protection.public import Vetoed
from casino_club.features.rewards.commands.granting import grant_all
from casino_club.features.rewards.rules.refusals import CauseReused, CouponMissing, RewardInvalid, SpinsMissing
from casino_club.features.rewards.rules.rewards import MONEY, Grant, Granted, Reward, RewardType
from casino_club.features.wallet.public import Pocket
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON, a_log
from tests.features.rewards.gifts import COUPON_LASTS, SAMPLES, Gifts, a_cause
from tests.features.wallet.purse import Purse, a_wallet_policy

COUPON = SAMPLES[RewardType.COUPON]
SPINS = SAMPLES[RewardType.FREE_SPIN]
GEMS = SAMPLES[RewardType.GEM]


@pytest.fixture
async def gifts(database: Database) -> Gifts:
    await a_log(database).make_room()
    return Gifts(database)


async def test_one_of_each_is_given_and_the_log_is_told_that_nobody_did_anything(gifts: Gifts) -> None:
    for reward in SAMPLES.values():
        await gifts.give(reward)

    given = [each.reward for each in await gifts.history()]
    held, money = await gifts.held(), await Purse(gifts.database, a_wallet_policy()).holds()
    told = await gifts.told()
    assert given == list(reversed(SAMPLES.values()))
    assert money == {Pocket.COINS: 500, Pocket.PENDING_GEMS: 5, Pocket.APP_TOKENS: 200}
    assert [badge.badge for badge in held.badges] == ["star-badge"]
    assert [(each.coupon, each.value, each.expires_at) for each in held.coupons] == [
        ("double-xp", 2, NOON + COUPON_LASTS)
    ]
    assert held.free_spins == [("slot-orchard", 3)]
    assert [action_type for action_type, _, _ in told].count("REWARD_GRANTED") == len(SAMPLES)
    assert not any(by_user for _, _, by_user in told)
    assert json.loads(told[-1][1]) == {
        "reward_id": 8,
        "reward_type": "COUPON",
        "reward_value": 2,
        "reference": "double-xp",
        "reason": "mission",
    }


@pytest.mark.parametrize("reward", SAMPLES.values(), ids=SAMPLES)
async def test_a_cause_gives_once_even_a_hundred_times_at_once(gifts: Gifts, reward: Reward) -> None:
    granted = await asyncio.gather(*(gifts.give(reward, cause=a_cause("one")) for _ in range(100)))

    again = await gifts.give(reward, cause=a_cause("one"))
    assert sum(not each.was_repeated for each in granted) == 1
    assert {each.id for each in granted} == {again.id}
    assert len(await gifts.history()) == 1
    held, money = await gifts.held(), await Purse(gifts.database, a_wallet_policy()).holds()
    if reward.type in MONEY:
        assert list(money.values()) == [reward.value]
    assert [each.spins for each in held.free_spins] == [3] * (reward is SPINS)
    assert len(held.coupons) == (reward is COUPON)


async def test_a_cause_gives_nothing_else_and_nobody_else(gifts: Gifts) -> None:
    await gifts.give(GEMS, cause=a_cause("one"))

    with pytest.raises(CauseReused):
        await gifts.give(Reward(RewardType.GEM, 6), cause=a_cause("one"))
    with pytest.raises(CauseReused):
        await gifts.of(8).give(GEMS, cause=a_cause("one"))
    await gifts.give(GEMS, cause=a_cause("one"), reason="welcome")

    assert len(await gifts.history()) == 2


async def test_what_is_no_reward_leaves_nothing(gifts: Gifts) -> None:
    with pytest.raises(RewardInvalid):
        await gifts.give(Reward(RewardType.BADGE, 1))

    assert (await gifts.history(), await gifts.told()) == ([], [])


async def test_whom_protection_has_excluded_is_given_nothing(gifts: Gifts) -> None:
    await gifts.give(GEMS, cause=a_cause("before"))
    await gifts.exclude()

    for reward in SAMPLES.values():
        with pytest.raises(Vetoed):
            await gifts.give(reward)

    assert (await gifts.give(GEMS, cause=a_cause("before"))).was_repeated
    assert len(await gifts.history()) == 1
    assert await Purse(gifts.database, a_wallet_policy()).holds() == {Pocket.PENDING_GEMS: 5}


async def test_a_badge_is_had_once_and_since_the_first_time(gifts: Gifts) -> None:
    for days in range(2):
        await gifts.give(SAMPLES[RewardType.BADGE], now=NOON + timedelta(days=days))

    assert (await gifts.held()).badges == [("star-badge", NOON)]


async def test_spins_of_the_game_go_first_and_then_those_of_any(gifts: Gifts) -> None:
    await gifts.give(SPINS)
    await gifts.give(Reward(RewardType.FREE_SPIN, 1))

    await gifts.spin("slot-moon")
    results = await asyncio.gather(*(gifts.spin("slot-orchard") for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(each, SpinsMissing) for each in results) == 7
    assert (await gifts.held()).free_spins == []


async def test_the_coupon_that_runs_out_first_is_used_first_and_each_once(gifts: Gifts) -> None:
    await gifts.give(Reward(RewardType.COUPON, 5, "double-xp"), now=NOON + timedelta(days=1))
    await gifts.give(COUPON)

    used = await asyncio.gather(*(gifts.use("double-xp") for _ in range(5)), return_exceptions=True)

    assert sorted(each for each in used if isinstance(each, int)) == [2, 5]
    assert sum(isinstance(each, CouponMissing) for each in used) == 3


async def test_a_coupon_that_ran_out_is_gone_at_once_and_the_log_is_told_once(gifts: Gifts) -> None:
    late = NOON + COUPON_LASTS
    kept = await gifts.give(COUPON, now=NOON + timedelta(days=1))
    over = await gifts.give(COUPON)
    used = await gifts.give(Reward(RewardType.COUPON, 1, "other"))
    await gifts.use("other")

    for _ in range(2):
        await gifts.expire(now=late)

    assert [each.reward_id for each in (await gifts.held(now=late)).coupons] == [kept.id]
    told = [json.loads(metadata) for action_type, metadata, _ in await gifts.told() if action_type == "COUPON_EXPIRED"]
    assert told == [{"reward_id": over.id, "coupon": "double-xp"}]
    assert used.id not in {each["reward_id"] for each in told}


async def test_before_it_is_ended_a_coupon_that_ran_out_can_be_used_no_more(gifts: Gifts) -> None:
    await gifts.give(COUPON)

    with pytest.raises(CouponMissing):
        await gifts.use("double-xp", now=NOON + COUPON_LASTS)
    assert (await gifts.held(now=NOON + COUPON_LASTS)).coupons == []


async def test_many_coupons_run_out_a_chunk_at_a_time(gifts: Gifts) -> None:
    for number in range(3):
        await gifts.of(10 + number).give(COUPON)
    async with gifts.database.transaction() as db:
        await db.execute(
            """INSERT INTO user_rewards (user_id, reward_type, reward_value, reference, reason, cause, awarded_at)
               SELECT 7, 'COUPON', 1, 'many', 'mission', gen_random_uuid(), $1 FROM generate_series(1, 400)""",
            NOON,
        )
        await db.execute(
            """INSERT INTO coupons (reward_id, user_id, coupon, value, expires_at)
               SELECT id, user_id, 'many', 1, $1 FROM user_rewards WHERE reference = 'many'""",
            NOON,
        )

    await gifts.expire(now=NOON + COUPON_LASTS)

    assert [action_type for action_type, _, _ in await gifts.told()].count("COUPON_EXPIRED") == 403


async def test_several_at_once_are_one_transaction_of_the_ledger_and_each_is_given_once(gifts: Gifts) -> None:
    wanted = [Grant(7, reward, "mission", a_cause(name)) for name, reward in SAMPLES.items()]
    await gifts.give(SAMPLES[RewardType.COIN], cause=wanted[0].cause)

    async def all_of_them() -> list[Granted]:
        return await gifts.database.run(lambda db: grant_all(db, wanted, now=NOON, policy=gifts.policy))

    first, again = await all_of_them(), await all_of_them()

    assert [each.reward for each in first] == list(SAMPLES.values())
    assert [each.was_repeated for each in first] == [True, *[False] * 7]
    assert [each.id for each in again] == [each.id for each in first]
    async with gifts.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM ledger_txs") == 2
    money = await Purse(gifts.database, a_wallet_policy()).holds()
    assert money == {Pocket.COINS: 500, Pocket.PENDING_GEMS: 5, Pocket.APP_TOKENS: 200}
