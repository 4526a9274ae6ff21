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
    """The password, once more. Who has none has logged in just now."""

    current_password: Text | None = None


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
    """The password, where there is one, and a code."""

    code: Code
    current_password: Text | None = None


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True):
    """Another password, proved by the one before; or a first one."""

    new_password: Text
    current_password: Text | None = None


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
    email: str | None
    created_at: datetime
    vip_tier: int
    battlepass_level: int
    total_spent: int
    roles: list[Role]


class ReturnQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of this site to come back to."""

    return_to: str = "/"


class LinkIn(msgspec.Struct, forbid_unknown_fields=True):
    """The password once more, where there is one, and which page to come back to."""

    current_password: Text | None = None
    return_to: str = "/"


class ReturnedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What a provider sends a browser back with. It may add parameters of its own, which mean nothing."""

    state: str | None = None
    code: str | None = None
    iss: str | None = None
    error: str | None = None


class ProviderOut(msgspec.Struct):
    """An identity provider. Its login begins where `start` says, with `return_to` added."""

    id: str
    label: str
    start: str


class ProviderList(msgspec.Struct):
    """In the operator's order."""

    providers: list[ProviderOut]


class LoginBegun(msgspec.Struct):
    """Where to send the browser. A cookie binds the login to it."""

    url: str


class LoginEnded(msgspec.Struct):
    """How it went: `logged_in`, `linked` or `code_needed`; the first with a session."""

    outcome: str
    session: SessionOpened | None


class LinkOut(msgspec.Struct):
    """A provider that one may log in with."""

    provider: str
    label: str
    linked_at: datetime


class LinkList(msgspec.Struct):
    """The first one first."""

    links: list[LinkOut]
