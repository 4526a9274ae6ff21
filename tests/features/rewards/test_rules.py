"""What can be given, and who may see it."""

import pytest

from casino_club.features.rewards.rules.refusals import RewardInvalid
from casino_club.features.rewards.rules.rewards import Reward, RewardType, check, may_read
from casino_club.kernel.money import AMOUNT_MAX
from casino_club.kernel.subject import Role, Scope, ServiceSubject, UserSubject
from tests.features.rewards.gifts import SAMPLES


@pytest.mark.parametrize("kind", RewardType)
def test_there_is_a_way_to_give_each_type(kind: RewardType) -> None:
    check(SAMPLES[kind])


@pytest.mark.parametrize(
    "reward",
    [
        *(Reward(RewardType.COIN, value) for value in (0, -1, AMOUNT_MAX + 1, True)),
        Reward(RewardType.CONTENT_UNLOCK, 4),
        Reward(RewardType.BADGE, 2, "star-badge"),
        Reward(RewardType.BADGE, 1),
        Reward(RewardType.COUPON, 1),
        Reward(RewardType.COIN, 1, "star-badge"),
        Reward(RewardType.BADGE, 1, "Star Badge"),
        Reward(RewardType.BADGE, 1, "star\n"),
        Reward(RewardType.BADGE, 1, "a" * 41),
    ],
)
def test_what_is_no_reward_is_refused(reward: Reward) -> None:
    with pytest.raises(RewardInvalid):
        check(reward)


def test_users_see_their_own_and_support_and_programs_anybodys() -> None:
    for subject in (
        UserSubject(7),
        UserSubject(8, roles=frozenset({Role.SUPPORT})),
        ServiceSubject(1, 1, frozenset({Scope.REWARDS_READ})),
    ):
        assert may_read(subject, 7)
    for role in set(Role) - {Role.SUPPORT, Role.ADMIN}:
        assert not may_read(UserSubject(8, roles=frozenset({role})), 7)
