"""A head that dribbles in is refused in time, whoever else is served meanwhile; nobody else notices."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from casino_club.infra.http.heads import BYTES_MAX
from tests.infra.http.test_server import free_port, served

SECONDS = 2.0
SLOW_CONNECTIONS = 200
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    number = free_port()
    with served(number, str(SECONDS)):
        yield number


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Pair]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def dribble(port: int) -> tuple[float, bytes]:
    """Send a byte of a head every now and then; how long we were borne with, and what was said at the end."""
    began = time.monotonic()  # The server's time begins later, when it sees the connection.
    async with connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        ended = asyncio.create_task(all_of(reader))
        while not (await asyncio.wait([ended], timeout=0.2))[0]:
            writer.write(b"x")
        return time.monotonic() - began, ended.result()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:  # what is sent to a closed connection may overtake its last words
        return b""


async def answer_in(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split()[1])
    return head + await reader.readexactly(length)


async def test_two_hundred_slow_heads_are_refused_in_time_beside_normal_traffic(port: int) -> None:
    async with connected(port) as (idle_reader, idle_writer), httpx.AsyncClient() as http:
        idle_writer.write(GET)
        await answer_in(idle_reader)
        slow = [asyncio.create_task(dribble(port)) for _ in range(SLOW_CONNECTIONS)]
        statuses = []
        while not all(each.done() for each in slow):
            statuses.append((await http.get(f"http://127.0.0.1:{port}/healthz")).status_code)

        idle_writer.write(GET)
        still_there = await answer_in(idle_reader)

    words = {said.partition(b"\r\n")[0] for _, said in map(asyncio.Task.result, slow)} - {b""}
    assert words == {b"HTTP/1.1 408 Request Timeout"}
    assert all(SECONDS * 0.9 < seconds < SECONDS + 8 for seconds, _ in map(asyncio.Task.result, slow))
    assert set(statuses) == {200}
    assert still_there.startswith(b"HTTP/1.1 200")


async def test_the_refusal_is_typed_and_says_what_took_too_long(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        said = await reader.read()

    head, _, body = said.partition(b"\r\n\r\n")
    assert json.loads(body)["code"] == "head_too_slow"
    assert b"connection: close" in head
    assert b"application/problem+json" in head


async def test_the_second_head_of_a_connection_is_bounded_as_well(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(GET)
        assert (await answer_in(reader)).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTTP/1.1\r\nX: ")

        assert (await reader.read()).startswith(b"HTTP/1.1 408")


CASES = {"nothing": (b"", b""), "an empty line": (b"", b"\r\n"), "an empty line later": (GET, b"\r\n")}


@pytest.mark.parametrize(("first", "sent"), CASES.values(), ids=CASES.keys())
async def test_a_connection_on_which_nothing_comes_is_closed_in_silence(port: int, first: bytes, sent: bytes) -> None:
    async with connected(port) as (reader, writer), asyncio.timeout(SECONDS + 8):
        writer.write(first)
        if first:
            await answer_in(reader)
        writer.write(sent)

        assert await reader.read() == b""


async def test_a_request_that_is_being_answered_is_not_cut_short_by_what_follows_it(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(f"GET /slow/{SECONDS * 1.5} HTTP/1.1\r\nHost: x\r\n\r\nGET / HT".encode())

        assert (await answer_in(reader)).startswith(b"HTTP/1.1 200")
        assert (await reader.read()).startswith(b"HTTP/1.1 408")


async def test_a_slow_body_has_a_time_of_its_own(port: int) -> None:
    async with connected(port) as (reader, writer), connected(port) as (clock, _):
        head = b"POST /sink HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
        writer.write(head)
        assert await clock.read() == b""  # by then, a head would have been refused
        writer.write(b"}")

        assert (await answer_in(reader)).startswith(b"HTTP/1.1 200")


async def test_a_head_that_has_no_end_is_refused_by_its_size(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * BYTES_MAX)
        said = await reader.read()

    assert said.startswith(b"HTTP/1.1 431")
    assert b"head_too_large" in said
