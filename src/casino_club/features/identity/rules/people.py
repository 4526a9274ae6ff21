"""What is known of users and their sessions, apart from what is sealed."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.kernel.subject import Role


@dataclass(frozen=True, slots=True)
class Account:
    """What login has to know of a user; nothing personal."""

    user_id: int
    password_hash: str | None
    has_email: bool
    roles: frozenset[Role]
    is_banned: bool

    @property
    def has_password(self) -> bool:
        """Whether a password lets the user in; it needs an address to go with."""
        return self.has_email and self.password_hash is not None


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
class Link:
    """A provider that a user may log in with."""

    issuer: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A login that began in a browser and is under way at a provider. A `user_id` wants a link, not a login."""

    provider: str
    browser_digest: bytes
    return_to: str
    user_id: int | None
    session_id: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a user that has not ended."""

    id: int
    user_id: int
    began_at: datetime
    last_used_at: datetime
    ends_at: datetime
    device: bytes
