"""Who goes takes along what they have left; what was given stays, by number."""

from casino_club.features.rewards import jobs
from casino_club.features.rewards.commands.bonus import set_bonus_terms
from casino_club.features.rewards.rules.bonus import BonusTerms, Risk
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.features.rewards.store.bonus import terms_of
from casino_club.infra.db.database import Database
from casino_club.infra.privacy.doors import Erased, Reach
from casino_club.infra.vault import Vault
from tests.builders.actions import NOON, a_log
from tests.builders.jobs import a_work
from tests.features.actions.club import VAULT_SECRET
from tests.features.rewards.gifts import SAMPLES, Gifts


async def test_an_export_holds_everything_given_and_everything_left(database: Database) -> None:
    await a_log(database).make_room()
    gifts = Gifts(database)
    for reward in SAMPLES.values():
        await gifts.give(reward)
    await gifts.of(8).give(SAMPLES[RewardType.BADGE])
    reach = Reach(a_work(database).stores, Vault(VAULT_SECRET), ())

    given = [each async for each in jobs.export_rewards.records(reach, 7)]
    left = [each async for each in jobs.export_held.records(reach, 7)]

    assert [each["reward_type"] for each in given] == list(reversed(SAMPLES))
    assert [next(iter(each)) for each in left] == ["bonus_level", "badge", "coupon", "free_spins"]


async def test_erasing_takes_what_is_left_of_one_user_and_of_nobody_else(database: Database) -> None:
    await a_log(database).make_room()
    gifts = Gifts(database)
    for user_id in (7, 8):
        for reward in SAMPLES.values():
            await gifts.of(user_id).give(reward)
    reach = Reach(a_work(database).stores, Vault(VAULT_SECRET), ())

    for user_id in (7, 8):
        async with database.transaction() as db:
            await set_bonus_terms(db, user_id, level=3, risk="high", now=NOON)

    await jobs.forget_held.run(reach, Erased(7, 10**6, NOON))

    assert await gifts.held() == ([], [], [])
    assert len(await gifts.history()) == len(SAMPLES)
    assert all(await gifts.of(8).held())
    async with database.connection() as db:
        assert [await terms_of(db, user_id) for user_id in (7, 8)] == [BonusTerms(), BonusTerms(3, Risk.HIGH)]
