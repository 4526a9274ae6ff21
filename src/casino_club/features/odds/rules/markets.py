"""What a market asks of odds and games: which money may enter which game, ages, nights, duties. Data, never code."""

import re
from collections.abc import Sequence
from datetime import time
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from casino_club.features.odds.rules.refusals import FundsRefused

DEFAULT: Final = "default"

Years = Annotated[int, Meta(ge=0, le=30)]
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d(?!\n)$")]


class Game(StrEnum):
    """What is played."""

    SLOT = "slot"
    ROULETTE = "roulette"
    RPS = "rps"
    GACHA = "gacha"


STAKED: Final = (Game.SLOT, Game.ROULETTE, Game.RPS)
"""Games in which something is staked and may be won."""


class Funds(StrEnum):
    """A user's pockets, by the names that the wallet gives them."""

    COINS = "coins"
    FREE_GEMS = "free_gems"
    PAID_GEMS = "paid_gems"
    PARTNER_TOKENS = "partner_tokens"
    APP_TOKENS = "app_tokens"
    CASH_TOKENS = "cash_tokens"


class Duty(StrEnum):
    """What has to be shown."""

    RATES = "rates"
    PITY = "pity"
    HISTORY = "history"
    REAL_PRICE = "real_price"
    ADVERTISING_MARK = "advertising_mark"


class Night(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in which advertising needs consent of its own, and the mark that it has to bear at any time."""

    begins: Clock
    ends: Clock
    mark: Annotated[str, Meta(max_length=20)] = ""

    def holds(self, at: time) -> bool:
        """Whether a time of the operator's day lies in it. It may go on past midnight."""
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        return begins <= at < ends if begins <= ends else at >= begins or at < ends


class Market(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One market's profile. Days are those in which an unused purchase may be given back."""

    about: Annotated[str, Meta(min_length=1, max_length=200)]
    play_age_years_min: Years
    content_age_years_min: Years
    duties: tuple[Duty, ...]
    refund_days: Annotated[int, Meta(ge=0, le=60)]
    funds: dict[Game, tuple[Funds, ...]]
    stakeable_pulls: tuple[Funds, ...]
    """Of the gacha's gems those that may pay for pulls whose prizes can be staked."""
    night: Night | None = None

    def admits(self, game: Game, funds: Funds) -> bool:
        """Whether this money may enter this game."""
        return funds in self.funds.get(game, ())

    def admitted(self, game: Game, offered: Sequence[str]) -> list[str]:
        """Which of these pockets may pay in this game. Raises `FundsRefused` where none may."""
        found = [each for each in offered if each in self.funds.get(game, ())]
        if not found:
            names = " or ".join(each.replace("_", " ") for each in offered)
            raise FundsRefused(f"No {names} may enter {game} here.")
        return found

    @property
    def closed(self) -> frozenset[Funds]:
        """Money that may enter no game of stakes at all: the ledger closes the way."""
        return frozenset(Funds) - {each for game in STAKED for each in self.funds.get(game, ())}

    def gems_for_pulls(self, *, stakeable: bool) -> tuple[Funds, ...]:
        """The gems that may pay for pulls whose prizes can be staked, or can't."""
        return self.stakeable_pulls if stakeable else self.funds[Game.GACHA]

    @property
    def closed_to_pulls(self) -> frozenset[Funds]:
        """Gems that may not pay for pulls whose prizes can be staked: the ledger closes the way."""
        return frozenset((Funds.FREE_GEMS, Funds.PAID_GEMS)) - set(self.stakeable_pulls)


class Markets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All profiles by name."""

    version: Annotated[int, Meta(ge=1)]
    markets: dict[str, Market]


def markets_of(value: Any) -> Markets:
    """The profiles of a file. Raises ValueError with what to mend."""
    found = msgspec.convert(value, Markets)
    if DEFAULT not in found.markets:
        raise ValueError("there is no market called default")
    for name, market in found.markets.items():
        for why in _faults(name, market):
            raise ValueError(f"market {name}: {why}")
    return found


def _faults(name: str, market: Market) -> list[str]:
    wrong = [] if re.fullmatch(r"[a-z]{2,20}", name) else ["a name is 2 to 20 small letters"]
    wrong += [f"it says nothing of {game}" for game in Game if game not in market.funds]
    gems = {Funds.FREE_GEMS, Funds.PAID_GEMS}
    wrong += [f"gems may not enter {game}" for game in STAKED if gems & set(market.funds.get(game, ()))]
    wrong += [f"{game} names money twice" for game, funds in market.funds.items() if len(set(funds)) != len(funds)]
    return [*wrong, *_pull_faults(market)]


def _pull_faults(market: Market) -> list[str]:
    gems = set(market.funds.get(Game.GACHA, ()))
    wrong = [f"{each} may not enter gacha: only gems do" for each in sorted(gems - {Funds.FREE_GEMS, Funds.PAID_GEMS})]
    if not market.stakeable_pulls or not gems.issuperset(market.stakeable_pulls):
        wrong.append("stakeable_pulls names some of the gacha's gems, and nothing else")
    return wrong
