"""Coins that return over time, so that nobody has to buy any to go on: little and often, up to a ceiling."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.features.games.rules.refusals import CoinsEnough, FreeCoinsTooSoon


@dataclass(frozen=True, slots=True)
class FreeCoins:
    """How many there are at once, how many a user may have by them, and how long it takes until there are more."""

    coins: int
    ceiling: int
    every: timedelta


def to_give(policy: FreeCoins, balance: int) -> int:
    """How many coins a user with so many may have; 0 from the ceiling on."""
    return max(0, min(policy.coins, policy.ceiling - balance))


def next_at(policy: FreeCoins, last_at: datetime | None) -> datetime | None:
    """From when on there are more; None if there are some already, since nobody took any."""
    return None if last_at is None else last_at + policy.every


def check_due(policy: FreeCoins, balance: int, last_at: datetime | None, now: datetime) -> int:
    """How many coins there are now. Raises `FreeCoinsTooSoon` or `CoinsEnough`."""
    due_at = next_at(policy, last_at)
    if due_at is not None and now < due_at:
        raise FreeCoinsTooSoon((due_at - now).total_seconds())
    coins = to_give(policy, balance)
    if not coins:
        raise CoinsEnough(policy.ceiling)
    return coins
