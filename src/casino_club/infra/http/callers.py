"""Who calls: turns the Authorization header into a `Subject`, at the price of two hashes once the caller is known.

Revoked keys and ended sessions are refused by every process within a second.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from casino_club.infra.http.access_tokens import SECRET_LENGTH_MIN, AccessToken, InvalidToken, verify_access_token
from casino_club.infra.http.service_keys import ServiceKey, digest
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import Role, ServiceSubject, Subject, UserSubject

KEY_VERDICT_SECONDS: Final = 1.0
"""A key's state is trusted this long, counted from before it was read: a revocation holds everywhere within it."""
SESSION_VERDICT_SECONDS: Final = 0.5
"""The same for a session's state; the rest of the second is for a slow read and a busy machine."""
REMEMBERED_MAX: Final = 10_000
CREDENTIAL_LENGTH_MAX: Final = 4096

Key = TypeVar("Key")
Value = TypeVar("Value")

_SERVICE_KEY: Final = re.compile(r"cck_([1-9][0-9]{0,9})_([A-Za-z0-9_-]{43})")
_KEY_ID_MAX: Final = 2**31 - 1


class CallerUnnamed(Refused):
    code = "caller_unnamed"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("Send `Authorization: Bearer` with an access token or a service key.")


@dataclass(frozen=True, slots=True)
class SessionState:
    """What a session is worth now: the roles that it may use. It `lacks_factor` if its user's roles need one."""

    roles: frozenset[Role]
    lacks_factor: bool = False


FindSession = Callable[[int, int], Awaitable[SessionState | None]]
"""Given a user and a session of theirs: its state, or None once it has ended. Session 0 is of a token made by hand."""


class _Verdicts(Generic[Key, Value]):
    """Reads that are trusted for a moment, counted from before each began. Nobody is let in by one that failed."""

    def __init__(
        self, read: Callable[[Key], Awaitable[Value]], trusted_seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._read = read
        self._trusted_seconds = trusted_seconds
        self._monotonic = monotonic
        self._known: dict[Key, tuple[float, Value]] = {}
        self._reads: dict[Key, asyncio.Task[tuple[float, Value]]] = {}

    async def of(self, key: Key) -> Value:
        known = self._known.get(key)
        if known is None or known[0] <= self._monotonic():
            known = await self._read_together(key)
        return known[1]

    async def _read_together(self, key: Key) -> tuple[float, Value]:
        # Callers that arrive together share one read; it survives any of them going away.
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = asyncio.create_task(self._read_once(key))
            read.add_done_callback(lambda done: self._read_ended(key, done))
        return await asyncio.shield(read)

    async def _read_once(self, key: Key) -> tuple[float, Value]:
        known_until = self._monotonic() + self._trusted_seconds
        return known_until, await self._read(key)

    def _read_ended(self, key: Key, read: "asyncio.Task[tuple[float, Value]]") -> None:
        del self._reads[key]
        # Asking for the exception also marks it as seen, should nobody wait for this read any more.
        if not read.cancelled() and read.exception() is None:
            _remember(self._known, key, read.result())


class _KeyState:
    """What is known of one key id. `subject` is None when the id is unknown or revoked."""

    __slots__ = ("secret_hash", "subject")

    def __init__(self, key: ServiceKey | None) -> None:
        live = key is not None and key.revoked_at is None
        self.secret_hash = key.secret_hash if key is not None else b""
        self.subject = ServiceSubject(key.id, key.namespace, key.scopes) if key is not None and live else None


class Callers:
    """Verifies tokens and keys, and remembers verdicts within bounds of time and number."""

    def __init__(
        self,
        token_secret: str,
        find_key: Callable[[int], Awaitable[ServiceKey | None]],
        find_session: FindSession,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        assert len(token_secret) >= SECRET_LENGTH_MIN, "the key that signs tokens is too short"

        async def key_state(key_id: int) -> _KeyState:
            return _KeyState(await find_key(key_id))

        async def session_state(of: tuple[int, int]) -> SessionState | None:
            return await find_session(*of)

        self._token_secret = token_secret
        self._wall = wall
        self._keys = _Verdicts(key_state, KEY_VERDICT_SECONDS, monotonic)
        self._sessions = _Verdicts(session_state, SESSION_VERDICT_SECONDS, monotonic)
        self._tokens: dict[bytes, AccessToken] = {}

    async def identify(self, authorization: bytes | None) -> Subject:
        """Who sent this header. Raises `CallerUnnamed` without one and `InvalidToken` for what is not valid now."""
        if authorization is None:
            raise CallerUnnamed
        if authorization[:7].lower() != b"bearer " or len(authorization) > CREDENTIAL_LENGTH_MAX:
            raise InvalidToken
        credential = authorization[7:].decode("latin-1")
        if credential.startswith("cck_"):
            return await self._service(credential)
        return await self._user(credential)

    async def _service(self, credential: str) -> ServiceSubject:
        match = _SERVICE_KEY.fullmatch(credential)
        if match is None or (key_id := int(match[1])) > _KEY_ID_MAX:
            raise InvalidToken
        state = await self._keys.of(key_id)
        if not hmac.compare_digest(state.secret_hash, digest(match[2])) or state.subject is None:
            raise InvalidToken
        return state.subject

    async def _user(self, credential: str) -> UserSubject:
        token = self._token(credential)
        state = await self._sessions.of((token.user_id, token.session_id))
        if state is None:
            raise InvalidToken
        # A role counts while both say so: taking it away holds at once, giving it needs the next token.
        return UserSubject(token.user_id, token.session_id, token.roles & state.roles, state.lacks_factor)

    def _token(self, credential: str) -> AccessToken:
        fingerprint = hashlib.sha256(credential.encode("latin-1")).digest()
        token = self._tokens.get(fingerprint)
        if token is None:
            token = verify_access_token(self._token_secret, credential)
            _remember(self._tokens, fingerprint, token)
        if token.expires_at <= self._wall():
            self._tokens.pop(fingerprint, None)
            raise InvalidToken
        return token


def _remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    # The oldest goes first; one that is still in use is read again at the cost of one query or signature.
    memory.pop(key, None)
    if len(memory) >= REMEMBERED_MAX:
        del memory[next(iter(memory))]
    memory[key] = value
