"""What a request brought, read with bounds: its few headers that matter, its body, its query, its path."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from casino_club.infra.http.problems import (
    BodyTooLarge,
    BodyTooSlow,
    FieldError,
    HttpRefused,
    InvalidBody,
    InvalidQuery,
    MalformedBody,
    UnsupportedMediaType,
)

BODY_SECONDS_MAX: Final = 30.0
QUERY_LENGTH_MAX: Final = 8192
QUERY_FIELDS_MAX: Final = 100

QueryT = TypeVar("QueryT", bound=msgspec.Struct)

_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_WHERE: Final = re.compile(r"^(.*) - at `(.*)`$", re.DOTALL)


class ClientGone(Exception):
    """The other side hung up before its request was complete; nobody is left to answer."""


@dataclass(slots=True)
class Call:
    """One request, and what becomes known of it on its way."""

    scope: Scope
    headers: dict[bytes, bytes]
    request_id: str
    body_bytes_max: int
    route: str = "unmatched"
    path_params: dict[str, str] = field(default_factory=dict)


def admit_body(call: Call, media_types: frozenset[bytes]) -> None:
    """Refuse by its headers a body that we would not read."""
    media_type = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in media_types:
        expected = ", ".join(sorted(name.decode() for name in media_types))
        raise UnsupportedMediaType(f"Send the body with `Content-Type: {expected}`.")
    if call.headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaType("Send the body without a content encoding.")
    length = call.headers.get(b"content-length")
    if length is not None and (not length.isdigit() or int(length[:20]) > call.body_bytes_max):
        raise too_large(call.body_bytes_max)


async def read_body(receive: Receive, bytes_max: int, seconds_max: float = BODY_SECONDS_MAX) -> bytes:
    """The whole body, or a refusal as soon as it grows past the limit, whatever length it promised."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    first: bytes = message.get("body", b"")
    if len(first) > bytes_max:
        raise too_large(bytes_max)
    if not message.get("more_body", False):
        return first
    try:
        async with asyncio.timeout(seconds_max):
            return await _read_rest(receive, first, bytes_max)
    except TimeoutError:
        raise BodyTooSlow(f"The body did not arrive within {seconds_max:g} seconds.") from None


async def _read_rest(receive: Receive, first: bytes, bytes_max: int) -> bytes:
    body = bytearray(first)
    is_complete = False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > bytes_max:
            raise too_large(bytes_max)
        is_complete = not message.get("more_body", False)
    return bytes(body)


def refuse_nul(body: bytes) -> None:
    """PostgreSQL keeps no NUL character in text; refuse it here once rather than in every slice."""
    if b"\\u0000" in body and _ESCAPED_NUL.search(body):
        raise InvalidBody("The body holds a NUL character (\\u0000), which can't be kept.")


def decode_body(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """The body as its shape."""
    with decoding():
        return decoder.decode(body)


@contextmanager
def decoding() -> Iterator[None]:
    """What fails within is the body's fault. For slices that take raw bytes and decode them on their own."""
    try:
        yield
    except msgspec.ValidationError as wrong:
        raise invalid(InvalidBody, "The body does not have the expected shape.", wrong) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedBody("The body is not well-formed JSON.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None


def decode_query(shape: Any, list_fields: frozenset[str], query_string: bytes) -> Any:
    """The query as its shape. A parameter that is not in it, or stands twice without being a list, is refused."""
    return _shaped(shape, list_fields, _pairs(query_string))


def decode_open_query(shape: type[QueryT], query_string: bytes) -> QueryT:
    """The same of a query that somebody else's program makes: parameters that are not in the shape mean nothing."""
    names = frozenset(each.encode_name for each in msgspec.structs.fields(shape))
    shaped: QueryT = _shaped(shape, frozenset(), [pair for pair in _pairs(query_string) if pair[0] in names])
    return shaped


def _shaped(shape: Any, list_fields: frozenset[str], pairs: list[tuple[str, str]]) -> Any:
    values: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if name in list_fields:
            many = values.setdefault(name, [])
            assert isinstance(many, list)
            many.append(value)
        elif name in values:
            raise InvalidQuery(f"The parameter {name!r} is given twice.", errors=[FieldError(name, "given twice")])
        else:
            values[name] = value
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as wrong:
        raise invalid(InvalidQuery, "The query is not valid.", wrong) from None


def invalid(refusal: type[HttpRefused], message: str, wrong: msgspec.ValidationError) -> HttpRefused:
    """The refusal with what msgspec found, and where."""
    text = str(wrong)
    match = _WHERE.match(text)
    what, where = (match[1], match[2]) if match else (text, "$")
    return refusal(f"{message} {what} at {where}.", errors=[FieldError(where, what)])


def too_large(bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {bytes_max} bytes; send it in parts.")


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    if not query_string:
        return []
    if len(query_string) > QUERY_LENGTH_MAX:
        raise InvalidQuery(f"The query is longer than {QUERY_LENGTH_MAX} bytes.")
    try:
        text = query_string.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        raise InvalidQuery("The query is not well-formed.") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidQuery("The query holds a NUL character.")
    return pairs
