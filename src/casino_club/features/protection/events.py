"""The actions that this slice appends. They say what others must heed, and nothing of why: the log is read widely."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ProtectionChanged:
    """A user's protection has changed."""

    action_type: ClassVar[str] = "PROTECTION_CHANGED"
    user_id: int
    may_be_approached: bool


@dataclass(frozen=True, slots=True)
class LimitSet:
    """A limit of the user's own holds from now on, or holds no more."""

    action_type: ClassVar[str] = "LIMIT_SET"
    user_id: int
    limit: str


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """A user has consented."""

    action_type: ClassVar[str] = "CONSENT_GIVEN"
    user_id: int
    purpose: str
    text_version: int


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """A user consents no more."""

    action_type: ClassVar[str] = "CONSENT_WITHDRAWN"
    user_id: int
    purpose: str
