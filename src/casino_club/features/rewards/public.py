"""What slices above may do with rewards: grant them, let users use what they have, and draw the bonus of a play."""

from casino_club.features.rewards.commands.bonus import bonus_chance, draw_bonus, set_bonus_terms
from casino_club.features.rewards.commands.granting import RewardPolicy, grant
from casino_club.features.rewards.commands.using import use_coupon, use_free_spin
from casino_club.features.rewards.rules.refusals import CouponMissing, SpinsMissing
from casino_club.features.rewards.rules.rewards import Grant, Reward, RewardType

__all__ = [
    "CouponMissing",
    "Grant",
    "Reward",
    "RewardPolicy",
    "RewardType",
    "SpinsMissing",
    "bonus_chance",
    "draw_bonus",
    "grant",
    "set_bonus_terms",
    "use_coupon",
    "use_free_spin",
]
