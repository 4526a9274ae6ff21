"""Shapes of requests and answers. Unknown fields are refused, so nobody gives themselves a role."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from casino_club.features.identity.rules.ages import AgeStatus
from casino_club.kernel.subject import Role

Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
"""What people type in. Rules say what it must be; this only bounds it."""

Code = Annotated[str, Meta(min_length=6, max_length=40)]


class SignUpIn(msgspec.Struct, forbid_unknown_fields=True):
    """Who somebody wants to be."""

    nickname: Text
    email: Text
    password: Text


class LoginIn(msgspec.Struct, forbid_unknown_fields=True):
    """Who somebody is. Those who have a second factor send its code, or a recovery code."""

    email: Text
    password: Text
    code: Code | None = None


class EnrolIn(msgspec.Struct, forbid_unknown_fields=True):
    """The password, once more."""

    current_password: Text


class EnrolmentOut(msgspec.Struct):
    """What an app needs to show codes; shown once."""

    secret: str
    url: str


class CodeIn(msgspec.Struct, forbid_unknown_fields=True):
    """A code that the app shows."""

    code: Code


class RecoveryCodes(msgspec.Struct):
    """Each stands once for a code of the app. Shown once."""

    recovery_codes: list[str]


class RemoveFactorIn(msgspec.Struct, forbid_unknown_fields=True):
    """The password and a code."""

    current_password: Text
    code: Code


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True):
    """Another password, proved by the one before."""

    current_password: Text
    new_password: Text


class ProfileIn(msgspec.Struct, forbid_unknown_fields=True):
    """What people change of their own profile."""

    nickname: Text


class AgeIn(msgspec.Struct, forbid_unknown_fields=True):
    """When somebody was born."""

    birth_date: date


class AgeOut(msgspec.Struct):
    """How one's age stands. A check is answered later; ask again."""

    status: AgeStatus
    settled_at: datetime | None


class RolesIn(msgspec.Struct, forbid_unknown_fields=True):
    """All roles that a user shall have."""

    roles: Annotated[list[Role], Meta(max_length=len(Role))]


class SessionOpened(msgspec.Struct):
    """An access token for the `Authorization` header. The refresh token is in a cookie that scripts can't read."""

    user_id: int
    access_token: str
    expires_in_seconds: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme of RFC 6750


class SessionOut(msgspec.Struct):
    """One of a user's sessions."""

    id: int
    began_at: datetime
    last_used_at: datetime
    ends_at: datetime
    device: str
    is_this_one: bool


class SessionList(msgspec.Struct):
    """The latest first."""

    sessions: list[SessionOut]


class ProfileOut(msgspec.Struct):
    """What is known of a user."""

    user_id: int
    nickname: str
    email: str
    created_at: datetime
    vip_tier: int
    battlepass_level: int
    total_spent: int
    roles: list[Role]
