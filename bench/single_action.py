"""Single actions over HTTP, 32 connections, against the same server's empty endpoint and a bare FastAPI one.

Every action is durable when it is answered. The empty endpoint does nothing; FastAPI's answers `{}`, on the same server
software, so that the first ratio's limit is not taken for what others offer.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Process

import uvicorn
import uvloop
from fastapi import FastAPI

from bench._lab import Lab, fill, free_port, lab, percentile, verdict, wait_until_answering
from bench.batch_ingest import spin

CONNECTIONS = 32
USERS = 100_000
POSTS_PER_SECOND_MAX = 15_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    options = parser.parse_args()
    with lab() as here:
        asyncio.run(fill(here.database_url, users=USERS, keys=1_000_000))
        with here.process("serve"), _bare_fastapi() as bare_port:
            uvloop.run(_measure(here, bare_port, options.seconds, options.rounds))


async def _measure(here: Lab, bare_port: int, seconds: float, rounds: int) -> None:
    key = await here.make_key()
    rng = random.Random(20_261_120)
    ready: list[bytes] = []
    kinds = {
        "empty endpoint": (here.port, lambda: _get("/healthz")),
        "bare FastAPI": (bare_port, lambda: _get("/")),
        "single actions": (here.port, ready.pop),
    }
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    slowest: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        ready += _posts(key, rng, int(seconds * POSTS_PER_SECOND_MAX))
        for name, (port, make) in kinds.items():
            took = await _load(port, make, seconds)
            rates[name].append(len(took) / seconds)
            slowest[name].append(percentile(took, 0.99) * 1_000)
    ours, ours_p99 = _middle(rates["single actions"]), _middle(slowest["single actions"])
    for name in ("empty endpoint", "bare FastAPI"):
        verdict(f"single actions ÷ {name}, rate", ours, _middle(rates[name]), target=0.35, unit="per s")
        verdict(f"single actions ÷ {name}, p99", ours_p99, _middle(slowest[name]), target=4, unit="ms", at_most=True)


async def _load(port: int, make: Callable[[], bytes], seconds: float) -> list[float]:
    """The time of every request that was answered well."""
    took: list[float] = []
    stop_at = time.perf_counter() + seconds
    await asyncio.gather(*(_one_connection(port, make, stop_at, took) for _ in range(CONNECTIONS)))
    return took


async def _one_connection(port: int, make: Callable[[], bytes], stop_at: float, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < stop_at:
        writer.write(make())
        await answer_to(reader)
        took.append(time.perf_counter() - began)
    writer.close()


async def answer_to(reader: asyncio.StreamReader) -> bytes:
    """The body of a good answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(_length(head))
    assert head[9:11] == b"20", head + body
    return body


def _length(head: bytes) -> int:
    start = head.lower().index(b"content-length: ") + 16
    return int(head[start : head.index(b"\r\n", start)])


def _posts(key: str, rng: random.Random, count: int) -> list[bytes]:
    """Written beforehand: what it costs to write them is the sender's affair."""
    return [request("/api/actions", key, spin(rng.randrange(1, USERS + 1), rng)) for _ in range(count)]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def request(path: str, key: str, content: object) -> bytes:
    """A POST, ready to be written."""
    body = json.dumps(content).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


@contextmanager
def _bare_fastapi() -> Iterator[int]:
    port = free_port()
    server = Process(target=_serve_bare, args=(port,), daemon=True)
    server.start()
    wait_until_answering(port, "/")
    yield port
    server.terminate()
    server.join()


def _serve_bare(port: int) -> None:
    app = FastAPI()

    @app.get("/")
    async def nothing() -> dict[str, str]:
        return {}

    config = uvicorn.Config(app, port=port, http="httptools", loop="none", lifespan="off", log_config=None)
    uvloop.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
