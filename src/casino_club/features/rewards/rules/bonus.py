"""The bonus draw: its chances by level, risk and streak, which are published, and how much of stakes may come back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from casino_club.kernel.money import Currency

LEVEL_MAX: Final = 3
STREAK_MAX: Final = 30
BASE_PERCENT: Final = {0: 5, 1: 10, 2: 10, 3: 15}
"""By the level of the user's group."""
BACK_MAX: Final = Fraction(99, 100)
"""What stakes may give back on average, bonus and all, where it is likeliest and the stake is the least."""


class Risk(StrEnum):
    """What a user said they like, as the quiz found."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


RISK_PERCENT: Final = {Risk.HIGH: 5, Risk.MODERATE: 0, Risk.LOW: -2}


@dataclass(frozen=True, slots=True)
class BonusTerms:
    """What of a user their bonus follows, besides the streak. Somebody of whom nothing is known has these."""

    level: int = 0
    risk: Risk = Risk.MODERATE


@dataclass(frozen=True, slots=True)
class Bonus:
    """A game's bonus: the product that is drawn from, and the least stake that it comes with, in worth of coins."""

    product: str
    stake_min_coins: int


BONUSES: Final[Mapping[str, Bonus]] = {
    "slot-orchard": Bonus("bonus-slot", 100),
    "roulette-european": Bonus("bonus-roulette", 3_000),
}
"""By the game's product."""


def chance_percent(terms: BonusTerms, streak: int) -> int:
    """How likely the bonus is."""
    return BASE_PERCENT[terms.level] + RISK_PERCENT[terms.risk] + min(streak, STREAK_MAX)


def cell_of(terms: BonusTerms, streak: int) -> str:
    """The cell of the published table that holds for this user now."""
    return f"level-{terms.level}-{terms.risk}-streak-{min(streak, STREAK_MAX)}"


def is_enough(bonus: Bonus, stake: int, currency: Currency, worth_coins: Mapping[Currency, int]) -> bool:
    """Whether the bonus comes with this stake."""
    return stake * worth_coins[currency] >= bonus.stake_min_coins


def most_back(rtp_max: Fraction, bonus_coins: Fraction, bonus: Bonus) -> Fraction:
    """What the least stake gives back on average where the bonus is worth most."""
    return rtp_max + bonus_coins / bonus.stake_min_coins


def bonus_tables() -> list[dict[str, Any]]:
    """The tables that ship: 8 coins with a slot, a gem with a roulette wheel."""
    slot = {"en": "Slot bonus", "ko": "슬롯 보너스"}
    roulette = {"en": "Roulette bonus", "ko": "룰렛 보너스"}
    return [_table("bonus-slot", slot, Currency.COIN, 8), _table("bonus-roulette", roulette, Currency.GEM, 1)]


def _table(product: str, title: Mapping[str, str], currency: Currency, amount: int) -> dict[str, Any]:
    return {
        "format": "casino-club/odds-table/1",
        "kind": "cells",
        "product": product,
        "title": dict(title),
        "price": {"currency": "COIN", "amount": 0},
        "items": [
            {"id": "no-bonus", "tier": "none", "prize": {"kind": "NOTHING", "amount": 0}},
            {"id": "bonus", "tier": "bonus", "prize": {"kind": currency.value, "amount": amount}},
        ],
        "cells": list(_cells()),
    }


def _cells() -> Iterator[dict[str, Any]]:
    for level in BASE_PERCENT:
        for risk in Risk:
            for streak in range(STREAK_MAX + 1):
                terms = BonusTerms(level, risk)
                chance = chance_percent(terms, streak)
                yield {"id": cell_of(terms, streak), "weights": [100 - chance, chance]}
