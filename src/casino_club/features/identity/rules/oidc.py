"""Logging in by OpenID Connect: where people may be sent back to, and what a provider must have said of them."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeGuard
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from casino_club.features.identity.rules.details import plain_email, plain_nickname
from casino_club.features.identity.rules.people import PendingLogin
from casino_club.features.identity.rules.refusals import (
    IdTokenInvalid,
    InvalidDetails,
    LoginUnknown,
    ProviderMixedUp,
    ReturnRefused,
)

LOGIN_MAX: Final = timedelta(minutes=10)
"""So long may somebody take at the provider."""
WAITING_MAX: Final = timedelta(minutes=5)
"""So long may they take to show their second factor afterwards."""
SKEW_SECONDS_MAX: Final = 60
TOKEN_SECONDS_MAX: Final = 600
SUBJECT_LENGTH_MAX: Final = 255
RETURN_LENGTH_MAX: Final = 500
DECODED_TIMES_MAX: Final = 3
OUTCOME: Final = "oidc"
"""The parameter that tells the page which somebody comes back to how it went."""

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a provider is asked with. PKCE is always by S256."""

    client_id: str
    scopes: tuple[str, ...]
    redirect_uri: str
    state: str
    nonce: str
    verifier: str


def local_path(text: str) -> str:
    """The path, if it leads to a page of this site however often somebody decodes it. Raises `ReturnRefused`."""
    seen = text
    for _ in range(DECODED_TIMES_MAX + 1):
        if len(text) > RETURN_LENGTH_MAX or not _is_local(seen) or not text.isascii() or " " in text or "#" in text:
            raise ReturnRefused
        seen, before = unquote(seen), seen
        if seen == before:
            return text
    raise ReturnRefused


def _is_local(path: str) -> bool:
    # Browsers read a backslash as a slash, and drop line ends and tabs. An API path would answer with no page.
    is_rooted = path.startswith("/") and not path.startswith(("//", "/api/"))
    return is_rooted and path.isprintable() and "\\" not in path


def with_outcome(path: str, outcome: str) -> str:
    """The path, telling how it went."""
    parts = urlsplit(path)
    query = "&".join(filter(None, (parts.query, urlencode({OUTCOME: outcome}))))
    return urlunsplit(parts._replace(query=query))


def authorization_url(endpoint: str, asked: Asked) -> str:
    """Where the browser goes to log in."""
    parts = urlsplit(endpoint)
    query = {
        "response_type": "code",
        "client_id": asked.client_id,
        "redirect_uri": asked.redirect_uri,
        "scope": " ".join(asked.scopes),
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": challenge_of(asked.verifier),
        "code_challenge_method": "S256",
    }
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))


def challenge_of(verifier: str) -> str:
    """What PKCE shows of a verifier beforehand."""
    return unpadded(hashlib.sha256(verifier.encode()).digest())


def unpadded(content: bytes) -> str:
    """Base64 as URLs and tokens have it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def check_browser(pending: PendingLogin | None, browser_digest: bytes) -> PendingLogin:
    """The login that began in this browser. Raises `LoginUnknown`."""
    if pending is None or not hmac.compare_digest(pending.browser_digest, browser_digest):
        raise LoginUnknown
    return pending


def check_provider(
    pending: PendingLogin, called: str, *, issuer: str, named_issuer: str | None, sends_issuer: bool
) -> None:
    """Refuse an answer of another provider than the one that was asked (RFC 9207)."""
    if pending.provider != called:
        raise ProviderMixedUp
    if named_issuer is None and sends_issuer:
        raise ProviderMixedUp
    if named_issuer is not None and named_issuer != issuer:
        raise ProviderMixedUp


def check_id_token(
    claims: Claims, expected: Expected, *, algorithm: str, access_token: str | None, now: datetime
) -> str:
    """The subject that a token of this provider for us, for this login, and of this minute names."""
    faults = (
        (claims.get("iss") != expected.issuer, "another issuer"),
        (expected.client_id not in _audiences(claims), "another audience"),
        (not _is_authorized(claims, expected.client_id), "another authorized party"),
        (not _same(claims.get("nonce"), expected.nonce), "another nonce"),
        (not _is_of_now(claims, int(now.timestamp())), "not of now"),
        (not _fits_access_token(claims, algorithm, access_token), "another access token"),
        (not _is_subject(claims.get("sub")), "no subject"),
    )
    for is_wrong, why in faults:
        if is_wrong:
            raise IdTokenInvalid(why)
    return str(claims["sub"])


def _audiences(claims: Claims) -> list[object]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _is_authorized(claims: Claims, client_id: str) -> bool:
    # A token for several must say for whom it was made.
    party = claims.get("azp")
    return party == client_id or (party is None and len(_audiences(claims)) == 1)


def _same(said: object, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())


def _is_of_now(claims: Claims, now: int) -> bool:
    issued_at, ends_at = claims.get("iat"), claims.get("exp")
    not_before = claims.get("nbf", issued_at)
    if not (_is_time(issued_at) and _is_time(ends_at) and _is_time(not_before)):
        return False
    is_young = now - TOKEN_SECONDS_MAX - SKEW_SECONDS_MAX <= issued_at <= now + SKEW_SECONDS_MAX
    return is_young and not_before <= now + SKEW_SECONDS_MAX and now < ends_at + SKEW_SECONDS_MAX


def _is_time(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits_access_token(claims: Claims, algorithm: str, access_token: str | None) -> bool:
    said = claims.get("at_hash")
    if said is None:
        return True
    if access_token is None:
        return False
    # EdDSA means Ed25519 here, whose hash is SHA-512; the others end in 256.
    digest = hashlib.new("sha512" if algorithm == "EdDSA" else "sha256", access_token.encode()).digest()
    return _same(said, unpadded(digest[: len(digest) // 2]))


def _is_subject(said: object) -> bool:
    return isinstance(said, str) and 0 < len(said) <= SUBJECT_LENGTH_MAX and "\0" not in said


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What a provider tells of somebody whom we don't know yet. The name people go by elsewhere is not taken."""

    nickname: str | None
    email: str | None
    is_email_proven: bool


def newcomer(claims: Claims) -> Newcomer:
    """What is worth keeping of a profile."""
    email = _plain(plain_email, claims.get("email"))
    names = (_plain(plain_nickname, claims.get(name)) for name in ("nickname", "preferred_username"))
    # Many providers take the address for a user name; it is nobody else's business.
    nickname = next((name for name in names if name and "@" not in name), None)
    return Newcomer(nickname, email, email is not None and claims.get("email_verified") is True)


def check_profile(profile: Claims, subject: str) -> None:
    """Refuse a profile of somebody else."""
    if profile and not _same(profile.get("sub"), subject):
        raise IdTokenInvalid("a profile of another subject")


def _plain(rule: Callable[[str], str], said: object) -> str | None:
    try:
        return rule(said) if isinstance(said, str) else None
    except InvalidDetails:
        return None
