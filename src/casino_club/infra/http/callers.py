"""Who calls: turns the Authorization header into a `Subject`, at the price of two hashes once the caller is known."""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from casino_club.infra.http.access_tokens import SECRET_LENGTH_MIN, InvalidToken, verify_access_token
from casino_club.infra.http.service_keys import ServiceKey, digest
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import ServiceSubject, Subject, UserSubject

KEY_VERDICT_SECONDS: Final = 1.0
"""A key's state is trusted this long, counted from before it was read: a revocation holds everywhere within it."""
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


class _KeyState:
    """What is known of one key id. `subject` is None when the id is unknown or revoked."""

    __slots__ = ("known_until", "secret_hash", "subject")

    def __init__(self, key: ServiceKey | None, known_until: float) -> None:
        live = key is not None and key.revoked_at is None
        self.known_until = known_until
        self.secret_hash = key.secret_hash if key is not None else b""
        self.subject = ServiceSubject(key.id, key.namespace, key.scopes) if key is not None and live else None


class Callers:
    """Verifies tokens and keys, and remembers verdicts within bounds of time and number."""

    def __init__(
        self,
        token_secret: str,
        find_key: Callable[[int], Awaitable[ServiceKey | None]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        assert len(token_secret) >= SECRET_LENGTH_MIN, "the key that signs tokens is too short"
        self._token_secret = token_secret
        self._find_key = find_key
        self._monotonic = monotonic
        self._wall = wall
        self._keys: dict[int, _KeyState] = {}
        self._reads: dict[int, asyncio.Task[_KeyState]] = {}
        self._tokens: dict[bytes, tuple[int, UserSubject]] = {}

    async def identify(self, authorization: bytes | None) -> Subject:
        """Who sent this header. Raises `CallerUnnamed` without one and `InvalidToken` for what is not valid now."""
        if authorization is None:
            raise CallerUnnamed
        if authorization[:7].lower() != b"bearer " or len(authorization) > CREDENTIAL_LENGTH_MAX:
            raise InvalidToken
        credential = authorization[7:].decode("latin-1")
        if credential.startswith("cck_"):
            return await self._service(credential)
        return self._user(credential)

    async def _service(self, credential: str) -> ServiceSubject:
        match = _SERVICE_KEY.fullmatch(credential)
        if match is None or (key_id := int(match[1])) > _KEY_ID_MAX:
            raise InvalidToken
        state = self._keys.get(key_id)
        if state is None or state.known_until <= self._monotonic():
            state = await self._read_key(key_id)
        if not hmac.compare_digest(state.secret_hash, digest(match[2])) or state.subject is None:
            raise InvalidToken
        return state.subject

    async def _read_key(self, key_id: int) -> _KeyState:
        # Callers that arrive together share one read; it survives any of them going away.
        read = self._reads.get(key_id)
        if read is None:
            read = self._reads[key_id] = asyncio.create_task(self._read_key_once(key_id))
            read.add_done_callback(lambda done: self._read_ended(key_id, done))
        return await asyncio.shield(read)

    async def _read_key_once(self, key_id: int) -> _KeyState:
        known_until = self._monotonic() + KEY_VERDICT_SECONDS
        return _KeyState(await self._find_key(key_id), known_until)

    def _read_ended(self, key_id: int, read: "asyncio.Task[_KeyState]") -> None:
        del self._reads[key_id]
        # Asking for the exception also marks it as seen, should nobody wait for this read any more.
        if not read.cancelled() and read.exception() is None:
            _remember(self._keys, key_id, read.result())

    def _user(self, credential: str) -> UserSubject:
        fingerprint = hashlib.sha256(credential.encode("latin-1")).digest()
        known = self._tokens.get(fingerprint)
        if known is None:
            token = verify_access_token(self._token_secret, credential)
            known = token.expires_at, UserSubject(token.user_id)
            _remember(self._tokens, fingerprint, known)
        if known[0] <= self._wall():
            self._tokens.pop(fingerprint, None)
            raise InvalidToken
        return known[1]


def _remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    # The oldest goes first; one that is still in use is read again at the cost of one query or signature.
    memory.pop(key, None)
    if len(memory) >= REMEMBERED_MAX:
        del memory[next(iter(memory))]
    memory[key] = value
