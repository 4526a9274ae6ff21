"""The actions that this slice appends. What tokens a round took or gave, the wallet tells beside them."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RoundPlayed:
    """A user has played a round of some game."""

    user_id: int
    result: str
    currency: str
    staked: int
    won: int
    round_id: str


@dataclass(frozen=True, slots=True)
class SlotSpun(RoundPlayed):
    """A user has spun a slot."""

    action_type: ClassVar[str] = "SLOT_SPIN"


@dataclass(frozen=True, slots=True)
class RouletteSpun(RoundPlayed):
    """A user has spun the wheel; the result is the number that came."""

    action_type: ClassVar[str] = "ROULETTE_SPIN"


@dataclass(frozen=True, slots=True)
class RpsPlayed(RoundPlayed):
    """A user has played rock, paper, scissors, against the house's hidden move or against another user."""

    action_type: ClassVar[str] = "RPS_PLAY"


@dataclass(frozen=True, slots=True)
class FreeCoinsClaimed:
    """A user has taken the coins that return over time."""

    action_type: ClassVar[str] = "CLAIM_REWARD"
    user_id: int
    reward_type: str
