"""Refusals and failures as RFC 9457 problem documents. Only here does a kind become a status."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import asyncpg
import msgspec
from starlette.exceptions import HTTPException

from casino_club.infra.db.database import SERVER_AWAY
from casino_club.infra.traces import raised_within
from casino_club.kernel.errors import Kind, Refused, Unavailable

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1

STATUS_OF_KIND: Final[Mapping[Kind, int]] = {
    Kind.INVALID: 422,
    Kind.UNKNOWN_CALLER: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}

_TITLES: Final[Mapping[int, str]] = {
    400: "The request is malformed",
    401: "The caller is not known",
    403: "The caller may not do this",
    404: "There is no such thing",
    405: "The method is not allowed here",
    408: "The request took too long to arrive",
    409: "The request conflicts with what is there",
    413: "The request is too large",
    415: "The media type is not supported",
    422: "The request is not valid",
    429: "Too many requests",
    431: "The head of the request is too large",
    500: "An internal error",
    503: "The service is unavailable for the moment",
}


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong, and where."""

    path: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem document. `code` is stable; `detail` is for people and may change."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldError] = []


class HttpRefused(Refused):
    """A refusal of HTTP itself, before any slice is asked; its status need not be one of a kind."""

    kind = Kind.INVALID
    status: ClassVar[int]

    def __init__(
        self, message: str, *, errors: Sequence[FieldError] = (), headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(message)
        self.errors = errors
        self.headers = headers


class MalformedBody(HttpRefused):
    code = "malformed_body"
    status = 400


class InvalidBody(HttpRefused):
    code = "invalid_body"
    status = 422


class InvalidQuery(HttpRefused):
    code = "invalid_query"
    status = 422


class InvalidPath(HttpRefused):
    code = "invalid_path"
    status = 422


class BodyTooLarge(HttpRefused):
    code = "body_too_large"
    status = 413


class BodyTooSlow(HttpRefused):
    code = "body_too_slow"
    status = 408


class HeadTooSlow(HttpRefused):
    code = "head_too_slow"
    status = 408


class HeadTooLarge(HttpRefused):
    code = "head_too_large"
    status = 431


class UnsupportedMediaType(HttpRefused):
    code = "unsupported_media_type"
    status = 415


class RouteMissing(HttpRefused):
    code = "route_missing"
    status = 404


class MethodNotAllowed(HttpRefused):
    code = "method_not_allowed"
    status = 405


class AudienceRefused(Refused):
    code = "wrong_audience"
    kind = Kind.FORBIDDEN


class ScopeMissing(Refused):
    code = "scope_missing"
    kind = Kind.FORBIDDEN


class RoleMissing(Refused):
    code = "role_missing"
    kind = Kind.FORBIDDEN


class SecondFactorRequired(Refused):
    code = "second_factor_required"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "Staff need a second factor: enrol one at /api/users/totp and refresh, or log in with the code of yours."
        )


class Reply:
    """An answer as it goes out: a status, headers without a content length, and the whole content."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self.content = content
        self.headers = headers


def status_of(refusal: Refused | type[Refused]) -> int:
    """The status that this refusal is answered with."""
    if isinstance(refusal, HttpRefused) or (isinstance(refusal, type) and issubclass(refusal, HttpRefused)):
        return refusal.status
    return STATUS_OF_KIND[refusal.kind]


def reply_to(error: Exception, request_id: str) -> Reply:
    """The answer to whatever a request ended with. Never tells a stack, a statement or a value that was not sent."""
    if isinstance(error, Refused):
        return _refused(error, request_id)
    if isinstance(error, HTTPException):
        return _refused(_of_router(error), request_id)
    if is_outage(error):
        _log.warning("A server that is needed does not answer: %s", type(error).__name__)
        return _refused(Unavailable("A server we need does not answer; send the same request again."), request_id)
    _log.error("A request failed for a reason that nobody expected", exc_info=error)
    return _reply(500, "internal", "This is our fault; the request id leads us to its cause.", request_id)


def is_outage(error: BaseException) -> bool:
    """Whether this says that a server we need is stopping, starting, full or gone, rather than that we have a bug."""
    if isinstance(error, asyncpg.InterfaceError):
        # Misuse of a connection is an InterfaceError as well, and must show as the bug it is.
        return "clos" in str(error) or "lost" in str(error) or "terminat" in str(error)
    if isinstance(error, ConnectionError):
        return True
    if isinstance(error, OSError | asyncio.TimeoutError):
        return raised_within(error, ("asyncpg.", "redis."))
    return isinstance(error, SERVER_AWAY) or _is_redis_outage(error)


def _is_redis_outage(error: BaseException) -> bool:
    # By name, since the client library is imported by backends alone.
    names = {parent.__name__ for parent in type(error).__mro__ if parent.__module__.startswith("redis.")}
    return not names.isdisjoint(("ConnectionError", "TimeoutError", "BusyLoadingError"))


def _of_router(error: HTTPException) -> HttpRefused:
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"Use one of: {allowed}.", headers=[(b"allow", allowed.encode())])
    return RouteMissing("No route has this path.")


def _refused(refusal: Refused, request_id: str) -> Reply:
    status = status_of(refusal)
    reply = _reply(status, refusal.code, refusal.message, request_id, getattr(refusal, "errors", ()))
    if status == 401:
        invalid = b', error="invalid_token"' if refusal.code == "invalid_token" else b""
        reply.headers.append((b"www-authenticate", b'Bearer realm="casino-club"' + invalid))
    if status in (429, 503):
        seconds = getattr(refusal, "retry_after_seconds", RETRY_AFTER_SECONDS)
        reply.headers.append((b"retry-after", b"%d" % seconds))
    reply.headers.extend(getattr(refusal, "headers", ()))
    return reply


def _reply(status: int, code: str, detail: str, request_id: str, errors: Sequence[FieldError] = ()) -> Reply:
    title = _TITLES[status]
    problem = Problem(f"urn:casino-club:problem:{code}", title, status, code, detail, request_id, list(errors))
    return Reply(status, msgspec.json.encode(problem), [(b"content-type", MEDIA_TYPE.encode())])
