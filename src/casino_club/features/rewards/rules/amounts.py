"""How much a reward is: what its kind gives anybody, and more for a level and a streak. Never less than the base."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from casino_club.features.rewards.rules.bonus import LEVEL_MAX
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.kernel.money import AMOUNT_MAX, Currency

PERCENT: Final = 100

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{1,39}(?!\n)$")]
AtLeastAll = Annotated[int, Meta(ge=PERCENT, le=1_000)]
Worth = Annotated[int, Meta(ge=1, le=1_000_000)]


class KindAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of event gives."""

    about: Annotated[str, Meta(min_length=1, max_length=200)]
    reward_type: RewardType
    level_percent: Annotated[tuple[AtLeastAll, ...], Meta(min_length=LEVEL_MAX + 1, max_length=LEVEL_MAX + 1)]
    streak_percent: Annotated[int, Meta(ge=0, le=PERCENT)]
    streak_max: Annotated[int, Meta(ge=0, le=1_000)]
    percent_max: AtLeastAll
    base: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)] | None = None


class AmountPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much rewards are, and what a bonus counts as beside a stake."""

    version: Annotated[int, Meta(ge=1)]
    begins: date
    worth_coins: Mapping[Currency, Worth]
    kinds: Mapping[Name, KindAmount]


@dataclass(frozen=True, slots=True)
class AmountDue:
    """How much it is, and why."""

    kind: str
    reward_type: RewardType
    amount: int
    base: int
    level: int
    level_percent: int
    streak: int
    """As far as it counts."""
    streak_percent: int


def amount_of(kind: str, level: int, streak: int, policy: AmountPolicy) -> AmountDue:
    """What this kind gives somebody of this level and streak. Parts of one are left off."""
    rule = policy.kinds[kind]
    assert rule.base is not None, f"{kind} has a base"
    counted = min(streak, rule.streak_max)
    of_level, of_streak = rule.level_percent[level], PERCENT + counted * rule.streak_percent
    amount = min(rule.base * of_level * of_streak // PERCENT**2, rule.base * rule.percent_max // PERCENT, AMOUNT_MAX)
    return AmountDue(kind, rule.reward_type, amount, rule.base, level, of_level, counted, of_streak)


def amounts_of(value: Any, bases: Mapping[str, int]) -> AmountPolicy:
    """The policy of a file, with the bases that settings say. Raises ValueError with what to mend."""
    found = msgspec.convert(value, AmountPolicy)
    if missing := set(Currency) - set(found.worth_coins):
        raise ValueError(f"worth_coins lacks {', '.join(sorted(missing))}")
    if unknown := bases.keys() - found.kinds.keys():
        raise ValueError(f"there is no kind {', '.join(sorted(unknown))}")
    kinds = {name: _with_base(name, kind, bases.get(name)) for name, kind in found.kinds.items()}
    return msgspec.structs.replace(found, kinds=kinds)


def _with_base(name: str, kind: KindAmount, base: int | None) -> KindAmount:
    if (base is None) is (kind.base is None):
        raise ValueError(f"{name} needs a base" if base is None else f"{name}: its base is a setting, so leave it out")
    return kind if base is None else msgspec.structs.replace(kind, base=base)
