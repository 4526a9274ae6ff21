"""What slices above may do with rewards: grant them, let users use what they have, and draw the bonus of a play."""

from casino_club.features.rewards.commands.amounts import amount_due
from casino_club.features.rewards.commands.bonus import BonusDrawn, draw_with_bonus, set_bonus_terms
from casino_club.features.rewards.commands.granting import RewardPolicy, grant, grant_all
from casino_club.features.rewards.commands.using import use_free_spin
from casino_club.features.rewards.rules.refusals import SpinsMissing
from casino_club.features.rewards.rules.rewards import Grant, Reward, RewardType

__all__ = [
    "BonusDrawn",
    "Grant",
    "Reward",
    "RewardPolicy",
    "RewardType",
    "SpinsMissing",
    "amount_due",
    "draw_with_bonus",
    "grant",
    "grant_all",
    "set_bonus_terms",
    "use_free_spin",
]
