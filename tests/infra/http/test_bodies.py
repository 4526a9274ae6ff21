"""A body is read within bounds, and is what it claims to be."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from starlette.types import Message

from casino_club.infra.http.problems import BodyTooLarge, BodyTooSlow
from casino_club.infra.http.requests import ClientGone, read_body
from casino_club.infra.http.routes import Audience, Routes
from tests.infra.http.application import application, client


class Note(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    amount: int = 0
    more: Any = None


routes = Routes(tags=["notes"])


@routes.post("/api/notes", audience=Audience.PUBLIC, summary="x", body=Note, answers={201: Note})
async def write_note(body: Note) -> Note:
    return body


async def post(content: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with client(application(routes)) as http:
        answer = await http.post("/api/notes", content=content, headers=sent)
    return answer.status_code, answer.json()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed_body"),
        (b"{", 400, "malformed_body"),
        (b'{"text": NaN}', 400, "malformed_body"),
        (b'{"text": "\xff"}', 400, "malformed_body"),
        (b'{"text": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "malformed_body"),
        (b"[]", 422, "invalid_body"),
        (b"{}", 422, "invalid_body"),
        (b'{"text": 1}', 422, "invalid_body"),
        (b'{"text": "x", "colour": "red"}', 422, "invalid_body"),
        (b'{"text": "\\u0000"}', 422, "invalid_body"),
        (b'{"text": "\\\\\\u0000"}', 422, "invalid_body"),
        (b'{"text": "' + b"x" * 1024 * 1024 + b'"}', 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_not_as_declared_is_refused(content: bytes, status: int, code: str) -> None:
    answered, problem = await post(content)

    assert (answered, problem["status"], problem["code"]) == (status, status, code)


async def test_a_wrong_field_is_named() -> None:
    _, problem = await post(b'{"text": "x", "amount": "much"}')

    assert problem["errors"] == [{"path": "$.amount", "message": "Expected `int`, got `str`"}]


async def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    status, note = await post(rb'{"text": "\\u0000"}')

    assert (status, note["text"]) == (201, r"\u0000")


async def test_a_body_without_a_length_is_read() -> None:
    status, note = await post(chunks(b'{"te', b'xt": "x"}'))

    assert (status, note["text"]) == (201, "x")


async def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    status, problem = await post(chunks(*[b" " * 100_000] * 11))

    assert (status, problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": ""},
        {"content_type": "application/jsonx"},
        {"content_encoding": "gzip"},
    ],
)
async def test_a_media_type_that_we_do_not_read_is_refused(headers: dict[str, str]) -> None:
    status, problem = await post(b'{"text": "x"}', **headers)

    assert (status, problem["code"]) == (415, "unsupported_media_type")


async def test_a_media_type_may_have_parameters() -> None:
    status, _ = await post(b'{"text": "x"}', content_type="Application/JSON; charset=utf-8")

    assert status == 201


async def test_a_promised_length_beyond_the_limit_is_refused_unread() -> None:
    status, problem = await post(chunks(b"{}"), content_length=str(2**40))

    assert (status, problem["code"]) == (413, "body_too_large")


async def test_a_body_that_never_ends_is_given_up() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BodyTooSlow):
        await read_body(receive, 100, seconds_max=0.01)


@pytest.mark.parametrize("before", [[], [{"type": "http.request", "body": b"{", "more_body": True}]])
async def test_a_caller_who_hangs_up_is_not_answered(before: list[Message]) -> None:
    messages: list[Message] = [*before, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(ClientGone):
        await read_body(receive, 100)


async def test_the_first_message_alone_may_be_too_large() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 101}

    with pytest.raises(BodyTooLarge):
        await read_body(receive, 100)
