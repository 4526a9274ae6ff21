"""How synthetic users behave: kinds of users, mixed. Assumptions, all of them, and data so that they can be others."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from casino_club.entry.economy.refusals import MixInvalid, MixMissing
from casino_club.features.rewards.rules.bonus import LEVEL_MAX, Risk
from casino_club.kernel.money import AMOUNT_MAX

KINDS_MAX: Final = 20

Percent = Annotated[float, Meta(ge=0, le=100)]
Some = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=40)]
Bets = Annotated[dict[Name, Some], Meta(min_length=1, max_length=50)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a mix. What nobody knows is refused, so that a misspelt name can't pass for a default."""


class UserKind(Part, frozen=True):
    """How users of one kind behave. Each chance is of its own and holds whenever the occasion comes."""

    share: Some
    """How many of them there are, beside the others' shares."""
    games: Annotated[dict[Name, Bets], Meta(min_length=1, max_length=20)]
    """What they play and bet on, by weights: a game for each session, a bet for each round."""

    arrives_days: Annotated[int, Meta(ge=1, le=3_650)] = 1
    """They sign up spread over so many days."""
    active_percent: Percent = 50.0
    """They come on a day."""
    sessions_mean: Annotated[float, Meta(gt=0, le=20)] = 1.0
    """How often on such a day; once at least."""
    stake_percent: Percent = 5.0
    """What they stake of what they hold when a session begins, within what the game takes."""
    stake_max: Some = 1_000
    stops_percent: Percent = 3.0
    """They stop after a round that gave the stake back or more."""
    stops_after_loss_percent: Percent = 4.0
    """They stop after any other."""
    rounds_max: Annotated[int, Meta(ge=1, le=2_000)] = 200
    takes_free_percent: Percent = 90.0
    """They take free coins that are due: when they come, and when they have run out."""
    token_percent: Percent = 0.0
    """A session is played with tokens, if they have enough."""
    visits_percent: Percent = 0.0
    """They visit the partner on a day on which they come,"""
    visit_tokens: Amount = 100
    """and earn so many tokens there."""
    pulls_max: Annotated[int, Meta(ge=0, le=100)] = 0
    """How many gacha pulls they make in a session, while they have gems."""
    loss_limit_percent: Percent = 0.0
    """They have set themselves a limit of coins lost a day,"""
    loss_limit_coins: Amount = 0
    """which is so many."""
    leaves_percent: Percent = 1.0
    """They never come back after a day on which they came,"""
    leaves_empty_percent: Percent = 3.0
    """and after one on which they ran out, this."""
    pays_percent: Percent = 0.0
    """They are of those who ever pay."""
    buys_percent: Percent = 0.0
    """Who pays buys something on a day on which they come,"""
    buys_empty_percent: Percent = 0.0
    """and once more on a day on which they run out,"""
    budget_krw: Amount = 0
    """as far as this reaches for 30 days."""
    spends_gems_percent: Percent = 0.0
    """They buy something for gems on a day on which they come, if they have enough."""
    level: Annotated[int, Meta(ge=0, le=LEVEL_MAX)] = 0
    """The level of their segment, which the bonus follows,"""
    risk: Risk = Risk.MODERATE
    """and what they like."""


class Mix(Part, frozen=True):
    """Users of several kinds."""

    about: Annotated[str, Meta(min_length=1, max_length=300)]
    kinds: Annotated[dict[Name, UserKind], Meta(min_length=1, max_length=KINDS_MAX)]


class Mixes(Part, frozen=True):
    """Mixes by name."""

    mixes: dict[Name, Mix]


def mix_named(value: Any, name: str) -> Mix:
    """A mix of a file. Raises `MixInvalid` and `MixMissing`."""
    try:
        found = msgspec.convert(value, Mixes).mixes
    except msgspec.ValidationError as wrong:
        raise MixInvalid(f"The mix can't be played: {wrong}.") from None
    if name not in found:
        raise MixMissing(f"There is no mix {name}; there are {', '.join(found) or 'none'}.")
    return found[name]
