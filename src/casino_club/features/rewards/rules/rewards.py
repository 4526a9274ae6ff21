"""What can be given to a user, and what a grant has to say of itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from casino_club.features.rewards.rules.refusals import RewardInvalid
from casino_club.kernel.money import AMOUNT_MAX
from casino_club.kernel.subject import Role, ServiceSubject, Subject

NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NAME_LENGTH_MAX: Final = 40
REASON: Final = re.compile(r"[a-z][a-z_]{1,39}")
STAGE_MAX: Final = 3
READERS: Final = frozenset((Role.SUPPORT, Role.ADMIN))


class RewardType(StrEnum):
    """What is given."""

    COIN = "COIN"
    GEM = "GEM"
    CYBER_TOKEN = "CYBER_TOKEN"  # noqa: S105 - a currency
    CONTENT_UNLOCK = "CONTENT_UNLOCK"
    XP = "XP"
    BADGE = "BADGE"
    FREE_SPIN = "FREE_SPIN"
    COUPON = "COUPON"


MONEY: Final = frozenset((RewardType.COIN, RewardType.GEM, RewardType.CYBER_TOKEN))
NAMED: Final = frozenset((RewardType.BADGE, RewardType.COUPON))
MAY_BE_NAMED: Final = NAMED | {RewardType.FREE_SPIN}


@dataclass(frozen=True, slots=True)
class Reward:
    """One thing. Its value is an amount, and of content the stage; the reference names a badge, a coupon, or a game."""

    type: RewardType
    value: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A reward for a user. Reason and cause give it once: the cause is derived from what led to it."""

    user_id: int
    reward: Reward
    reason: str
    cause: UUID
    trigger_action_id: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that has happened."""

    id: int
    user_id: int
    reward: Reward
    reason: str
    awarded_at: datetime
    trigger_action_id: int | None
    was_repeated: bool = False


def check(reward: Reward) -> None:
    """Raises `RewardInvalid`."""
    for is_wrong, why in _faults(reward):
        if is_wrong:
            raise RewardInvalid(why)


def _faults(reward: Reward) -> Iterator[tuple[bool, str]]:
    kind, value, name = reward.type, reward.value, reward.reference
    yield isinstance(value, bool) or not 1 <= value <= AMOUNT_MAX, f"Give a whole amount from 1 to {AMOUNT_MAX}."
    yield kind is RewardType.CONTENT_UNLOCK and value > STAGE_MAX, f"Content has the stages 1 to {STAGE_MAX}."
    yield kind is RewardType.BADGE and value != 1, "A badge is given once: its value is 1."
    yield kind in NAMED and not name, f"Say which {kind.lower()} it is."
    yield bool(name) and kind not in MAY_BE_NAMED, f"A {kind} has no reference."
    is_name = len(name) <= NAME_LENGTH_MAX and NAME.fullmatch(name)
    yield bool(name) and not is_name, f"A reference is of small letters, digits and dashes, {NAME_LENGTH_MAX} at most."


def may_read(subject: Subject, user_id: int) -> bool:
    """Whether this user's rewards are theirs to see. A program's scope was looked at before."""
    return isinstance(subject, ServiceSubject) or subject.user_id == user_id or bool(subject.roles & READERS)
