"""The actions that this slice appends."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RewardGranted:
    """A reward was given to a user."""

    action_type: ClassVar[str] = "REWARD_GRANTED"
    user_id: int
    reward_id: int
    reward_type: str
    reward_value: int
    reference: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class CouponExpired:
    """A coupon ran out before it was used."""

    action_type: ClassVar[str] = "COUPON_EXPIRED"
    user_id: int
    reward_id: int
    coupon: str
