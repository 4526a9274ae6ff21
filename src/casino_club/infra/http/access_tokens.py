"""Access tokens: who a person is, signed, for at most ten minutes."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import jwt

from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import Role

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "casino-club"
TYPE: Final = "at+jwt"
MINUTES_MAX: Final = 10
SECRET_LENGTH_MIN: Final = 32
USER_ID_MAX: Final = 2**63 - 1

_CLAIMS: Final = ["aud", "exp", "iat", "sub", "sid", "roles"]


class InvalidToken(Refused):
    code = "invalid_token"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        # One sentence for every reason: a forger learns nothing from it.
        super().__init__("The token or key is not valid, or no longer.")


@dataclass(frozen=True, slots=True)
class AccessToken:
    user_id: int
    expires_at: int
    session_id: int = 0
    roles: frozenset[Role] = field(default=frozenset())


def issue_access_token(
    secret: str,
    user_id: int,
    now: datetime,
    minutes: int = MINUTES_MAX,
    *,
    session_id: int = 0,
    roles: Collection[Role] = (),
) -> str:
    """A token that names this person until `minutes` from now. Session 0 is none: nobody has that number."""
    assert len(secret) >= SECRET_LENGTH_MIN, "the key that signs tokens is too short"
    issued_at = int(now.timestamp())
    claims = {
        "sub": str(user_id),
        "aud": AUDIENCE,
        "iat": issued_at,
        "exp": issued_at + minutes * 60,
        "sid": session_id,
        "roles": sorted(roles),
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"typ": TYPE})


def verify_access_token(secret: str, token: str) -> AccessToken:
    """Whom the token names, or `InvalidToken`."""
    try:
        verified = jwt.decode_complete(
            token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": _CLAIMS}
        )
    except jwt.PyJWTError:
        raise InvalidToken from None
    return _access_token(verified["header"], verified["payload"])


def _access_token(header: dict[str, object], claims: dict[str, object]) -> AccessToken:
    subject, issued_at, expires_at = claims["sub"], claims["iat"], claims["exp"]
    if header.get("typ") != TYPE or not isinstance(subject, str) or not subject.isascii() or not subject.isdigit():
        raise InvalidToken
    if not isinstance(issued_at, int) or not isinstance(expires_at, int):
        raise InvalidToken
    if expires_at - issued_at > MINUTES_MAX * 60 or not 1 <= int(subject[:20]) <= USER_ID_MAX:
        raise InvalidToken
    return AccessToken(int(subject), expires_at, _session_id(claims["sid"]), _roles(claims["roles"]))


def _session_id(claimed: object) -> int:
    if type(claimed) is not int or not 0 <= claimed <= USER_ID_MAX:
        raise InvalidToken
    return claimed


def _roles(claimed: object) -> frozenset[Role]:
    # A role that a later version has taken away is simply no longer held.
    if not isinstance(claimed, list):
        raise InvalidToken
    return frozenset(role for role in Role if role in claimed)
