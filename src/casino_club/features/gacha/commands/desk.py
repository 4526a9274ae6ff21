"""What the commands of this slice work with."""

from dataclasses import dataclass, field
from datetime import timedelta

from casino_club.features.identity.public import ProvenAges
from casino_club.features.odds.public import Market, OddsDesk
from casino_club.features.rewards.public import RewardPolicy


@dataclass(frozen=True, slots=True)
class GachaDesk:
    """The same for every request."""

    odds: OddsDesk
    market: Market
    rewards: RewardPolicy
    pace: timedelta
    """How long an opening lasts at least."""
    ages: ProvenAges = field(default_factory=ProvenAges)
