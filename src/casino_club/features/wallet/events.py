"""The actions that this slice appends. Each carries what the user holds after it: readers set it and never add."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class TokensEarned:
    """A user has more cyber tokens than before."""

    action_type: ClassVar[str] = "EARN_CYBER_TOKENS"
    user_id: int
    earned_tokens: int
    source: str
    token_balance: int
    round_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokensGranted:
    """The house gave a user cyber tokens. Nothing that the user did."""

    action_type: ClassVar[str] = "CYBER_TOKENS_GRANTED"
    user_id: int
    granted_tokens: int
    token_balance: int


@dataclass(frozen=True, slots=True)
class TokensSpent:
    """A user has spent cyber tokens; `partner_tokens` of them came from the partner."""

    action_type: ClassVar[str] = "SPEND_CYBER_TOKENS"
    user_id: int
    spent_tokens: int
    partner_tokens: int
    token_balance: int
    round_id: str | None = None


@dataclass(frozen=True, slots=True)
class TokensCorrected:
    """Cyber tokens were given or taken back by a correction or a refund."""

    action_type: ClassVar[str] = "CYBER_TOKENS_CORRECTED"
    user_id: int
    tokens: int
    token_balance: int


@dataclass(frozen=True, slots=True)
class GemsGranted:
    """A user may claim these gems."""

    action_type: ClassVar[str] = "GEMS_GRANTED"
    user_id: int
    gems: int
    pending_gems: int


@dataclass(frozen=True, slots=True)
class GemsClaimed:
    """A user has claimed granted gems."""

    action_type: ClassVar[str] = "GEMS_CLAIMED"
    user_id: int
    gems: int
    pending_gems: int
