"""What is known of users and their sessions, apart from what is sealed."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.kernel.subject import Role


@dataclass(frozen=True, slots=True)
class Account:
    """What login has to know of a user; nothing personal."""

    user_id: int
    password_hash: str
    roles: frozenset[Role]
    is_banned: bool


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What stands in clear about a user."""

    id: int
    created_at: datetime
    banned_at: datetime | None
    roles: frozenset[Role]
    vip_tier: int
    battlepass_level: int
    total_spent: int


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a user that has not ended."""

    id: int
    user_id: int
    began_at: datetime
    last_used_at: datetime
    ends_at: datetime
    device: bytes
