"""How many pulls an opening has, how fast they may follow each other, which pull is its best, what can be staked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from casino_club.features.gacha.rules.refusals import OpeningTooSoon
from casino_club.kernel.money import Currency

PULLS_MAX: Final = 10
NAMED: Final = "gacha-"
KEPT: Final = frozenset(("NOTHING", "XP", "BADGE", "CONTENT_UNLOCK"))
"""Prizes that nobody stakes, and that turn into nothing that is. All others can be, or may turn into what can."""


def can_be_staked(prizes: Iterable[str]) -> bool:
    """Whether pulls with these kinds of prizes may lead to a stake."""
    return not KEPT.issuperset(prizes)


def gems_a_pull(product: str, currency: Currency, amount: int) -> int | None:
    """What a pull costs in gems, if this is a gacha."""
    return amount if product.startswith(NAMED) and currency is Currency.GEM and amount > 0 else None


def check_pace(next_at: datetime | None, now: datetime) -> None:
    """Raises `OpeningTooSoon` while an opening goes on."""
    if next_at is not None and now < next_at:
        raise OpeningTooSoon((next_at - now).total_seconds())


def best_of(tiers: Sequence[str], rates: Mapping[str, Fraction]) -> int:
    """Which of these pulls is the best: the first of the tier that comes least often."""
    return min(range(len(tiers)), key=lambda place: (rates[tiers[place]], place))


def rates_of_tiers(items: Iterable[tuple[str, Fraction]]) -> dict[str, Fraction]:
    """How often each tier comes, of items by tier."""
    found: dict[str, Fraction] = {}
    for tier, rate in items:
        found[tier] = found.get(tier, Fraction(0)) + rate
    return found


def certain_within(ceiling: int | None, state: int) -> int | None:
    """With how many pulls more a tier that resets has come for certain; None if that is never so."""
    return None if ceiling is None or state >= ceiling else ceiling - state
