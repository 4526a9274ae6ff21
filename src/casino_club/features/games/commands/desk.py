"""What the commands of this slice work with."""

from dataclasses import dataclass, field

from casino_club.features.games.rules.duels import DuelPolicy
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.rules.pace import Pace
from casino_club.features.identity.public import ProvenAges
from casino_club.features.odds.public import Market, OddsDesk
from casino_club.features.protection.public import ProtectionPolicy
from casino_club.features.rewards.public import RewardPolicy
from casino_club.features.wallet.public import WalletPolicy


@dataclass(frozen=True, slots=True)
class Till:
    """What is asked where something is paid out."""

    wallet: WalletPolicy
    protection: ProtectionPolicy


@dataclass(frozen=True, slots=True)
class GameDesk:
    """The same for every request."""

    odds: OddsDesk
    market: Market
    wallet: WalletPolicy
    protection: ProtectionPolicy
    pace: Pace
    free_coins: FreeCoins
    duels: DuelPolicy
    rewards: RewardPolicy
    free_spin_coins: int
    """What a free spin stands for."""
    ages: ProvenAges = field(default_factory=ProvenAges)

    @property
    def till(self) -> Till:
        return Till(self.wallet, self.protection)
