"""What surrounds every request, in one pass: an id, counts and times, safe headers, and an answer whatever happens."""

import os
import re
from time import perf_counter
from typing import Final

from prometheus_client import Histogram
from starlette.types import Receive, Scope, Send

from casino_club.infra.http.paths import Paths
from casino_club.infra.http.problems import Reply, reply_to
from casino_club.infra.http.requests import Call, ClientGone
from casino_club.infra.telemetry.logs import request_id
from casino_club.infra.telemetry.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS_IN_FLIGHT

CLIENT_GONE: Final = 499
"""Counted, never sent: the other side hung up first."""

NO_CONTENT: Final = 204

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
STRICT_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE: Final = (b"cache-control", b"no-store")

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_METHODS_COUNTED: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))


class Envelope:
    """The ASGI callable that every HTTP request goes through."""

    def __init__(self, paths: Paths, body_bytes_max: int) -> None:
        self._paths = paths
        self._body_bytes_max = body_bytes_max
        self._timers: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = perf_counter()
        call = _open(scope, self._body_bytes_max)
        request_id.set(call.request_id)
        HTTP_REQUESTS_IN_FLIGHT.inc()
        status = CLIENT_GONE
        try:
            reply = await self._reply(call, receive)
            status = reply.status
            await _send(call, reply, send)
        except ClientGone:
            pass
        finally:
            HTTP_REQUESTS_IN_FLIGHT.dec()
            self._timer(call, status).observe(perf_counter() - started_at)

    async def _reply(self, call: Call, receive: Receive) -> Reply:
        try:
            return await self._paths.find(call)(call, receive)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where anything becomes an answer
            return reply_to(error, call.request_id)

    def _timer(self, call: Call, status: int) -> Histogram:
        method = call.scope["method"]
        key = (call.route, method if method in _METHODS_COUNTED else "other", status // 100)
        timer = self._timers.get(key)
        if timer is None:
            timer = self._timers[key] = HTTP_REQUEST_SECONDS.labels(key[0], key[1], f"{key[2]}xx")
        return timer


def _open(scope: Scope, body_bytes_max: int) -> Call:
    headers = dict(scope["headers"])
    given = headers.get(b"x-request-id")
    is_sane = given is not None and _REQUEST_ID.fullmatch(given) is not None
    return Call(scope, headers, given.decode() if given and is_sane else os.urandom(12).hex(), body_bytes_max)


async def _send(call: Call, reply: Reply, send: Send) -> None:
    content, headers = reply.content, reply.headers
    if reply.status != NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(content)))
    headers.extend(_ALWAYS)
    headers.append((b"x-request-id", call.request_id.encode()))
    if call.scope["path"].startswith("/api"):
        headers.append(NO_STORE)
    if not any(name == STRICT_POLICY[0] for name, _ in reply.headers):
        headers.append(STRICT_POLICY)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.scope["method"] == "HEAD" else content})
