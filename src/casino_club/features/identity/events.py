"""The actions that this slice appends."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SignedUp:
    """Somebody became a user."""

    action_type: ClassVar[str] = "SIGN_UP"
    user_id: int


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A user logged in; a session began."""

    action_type: ClassVar[str] = "LOGIN"
    user_id: int


@dataclass(frozen=True, slots=True)
class ProviderLinked:
    """From now on this identity provider lets the user in."""

    action_type: ClassVar[str] = "PROVIDER_LINKED"
    user_id: int
    provider: str


@dataclass(frozen=True, slots=True)
class ProviderUnlinked:
    """It does so no more."""

    action_type: ClassVar[str] = "PROVIDER_UNLINKED"
    user_id: int
    provider: str


@dataclass(frozen=True, slots=True)
class RolesChanged:
    """A user has these roles from now on. `by_user_id` is 0 where the operator did it on the command line."""

    action_type: ClassVar[str] = "ROLES_CHANGED"
    user_id: int
    roles: str
    by_user_id: int


@dataclass(frozen=True, slots=True)
class UserBanned:
    """A user is kept out."""

    action_type: ClassVar[str] = "USER_BANNED"
    user_id: int
    by_user_id: int


@dataclass(frozen=True, slots=True)
class UserUnbanned:
    """A user is let in again."""

    action_type: ClassVar[str] = "USER_UNBANNED"
    user_id: int
    by_user_id: int
