"""What slices above may do with rewards: grant them, once for each cause, and let users use what they have left."""

from casino_club.features.rewards.commands.granting import RewardPolicy, grant
from casino_club.features.rewards.commands.using import use_coupon, use_free_spin
from casino_club.features.rewards.rules.refusals import CauseReused, CouponMissing, SpinsMissing
from casino_club.features.rewards.rules.rewards import Grant, Granted, Reward, RewardType

__all__ = [
    "CauseReused",
    "CouponMissing",
    "Grant",
    "Granted",
    "Reward",
    "RewardPolicy",
    "RewardType",
    "SpinsMissing",
    "grant",
    "use_coupon",
    "use_free_spin",
]
