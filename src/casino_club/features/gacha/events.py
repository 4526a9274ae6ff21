"""The actions that this slice appends. What was won beside, `rewards` tells."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class GachaOpened:
    """A user has opened a gacha; the result is the best tier that came, and what was won of gems has to be claimed."""

    action_type: ClassVar[str] = "GACHA_SPIN"
    user_id: int
    result: str
    currency: str
    staked: int
    won: int
    round_id: str
