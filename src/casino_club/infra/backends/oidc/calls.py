"""HTTP to identity providers: short, small, encrypted, and to the address that was asked for and no other."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from types import TracebackType
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from casino_club.infra.ports import ProviderAway

SECONDS_MAX: Final = 8.0
CONNECT_SECONDS_MAX: Final = 3.0
ANSWER_BYTES_MAX: Final = 256 * 1024
CONNECTIONS_MAX: Final = 20
LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


class Answer(NamedTuple):
    """A status and the JSON object that came with it."""

    status: int
    body: Mapping[str, Any]


def is_usable(url: str, *, may_be_local: bool = True) -> bool:
    """Whether to call this: encrypted, or this very machine; nothing that hides who is called."""
    try:
        parts = urlsplit(url)
        is_local = parts.hostname in LOOPBACK
        has_place = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    is_plain = parts.username is None and parts.password is None and not parts.fragment and url.isprintable()
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    return has_place and is_plain and is_safe and (may_be_local or not _is_inward(parts.hostname or ""))


class Calls:
    """One session for all providers, opened with the first call."""

    def __init__(self, *, seconds_max: float = SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> "Calls":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def get(self, url: str, *, may_be_local: bool, bearer: str | None = None) -> Answer:
        """What stands there. Raises ProviderAway."""
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        return await self._ask("GET", url, may_be_local=may_be_local, headers=headers, form=None)

    async def post(
        self, url: str, form: Mapping[str, str], *, may_be_local: bool, headers: Mapping[str, str]
    ) -> Answer:
        """What is answered to this form. Raises ProviderAway."""
        return await self._ask("POST", url, may_be_local=may_be_local, headers=headers, form=form)

    async def _ask(
        self, method: str, url: str, *, may_be_local: bool, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> Answer:
        if not is_usable(url, may_be_local=may_be_local):
            raise ProviderAway("an address of its own is not one that we call")
        asked = {"accept": "application/json", "accept-encoding": "identity", **headers}
        session = self._session(may_be_local=may_be_local)
        try:
            async with session.request(method, url, headers=asked, data=form, allow_redirects=False) as response:
                return Answer(response.status, _decoded(await _read(response)))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderAway(f"{urlsplit(url).hostname} does not answer ({type(error).__name__})") from None

    def _session(self, *, may_be_local: bool) -> aiohttp.ClientSession:
        # Made on first use: a session belongs to the loop that runs.
        if may_be_local not in self._sessions:
            resolver = ThreadedResolver() if may_be_local else _OutwardResolver()
            self._sessions[may_be_local] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, resolver=resolver),
                timeout=aiohttp.ClientTimeout(total=self._seconds_max, connect=CONNECT_SECONDS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._sessions[may_be_local]


class _OutwardResolver(ThreadedResolver):
    """Finds no name that leads back into this machine, whatever its name server says."""

    async def resolve(self, host: str, *arguments: Any, **named: Any) -> list[ResolveResult]:
        found = await super().resolve(host, *arguments, **named)
        if any(_is_inward(each["host"]) for each in found):
            raise OSError("the name leads inward")
        return found


def _is_inward(host: str) -> bool:
    # Private networks are allowed: many an operator's provider stands in one.
    try:
        address = ip_address(host)
    except ValueError:
        return host in LOOPBACK
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise ProviderAway(f"it sends more than {ANSWER_BYTES_MAX} bytes")
    return bytes(body)


def _decoded(content: bytes) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        body = None
    # What is no JSON object, such as a page that says sorry, holds nothing for us; its status still speaks.
    return body if isinstance(body, dict) else {}
