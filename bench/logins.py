"""32 people who log in at once and again, against bare Argon2; and single actions beside them, against those alone.

Passwords are hashed one after the other, so the limit of a login's time is that of as many hashes as people wait.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable

import uvloop

from bench._lab import Lab, lab, percentile, verdict
from bench.batch_ingest import spin
from bench.single_action import answer_to, request
from casino_club.infra.passwords import Passwords

PEOPLE = 32
SENDERS = 8
PASSWORD = "correct horse battery"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    options = parser.parse_args()
    with lab() as here:
        here.environment["CASINO_CLUB_PROXIES_IN_FRONT"] = "1"
        with here.process("serve"):
            uvloop.run(_measure(here, options.seconds, options.rounds))


async def _measure(here: Lab, seconds: float, rounds: int) -> None:
    key = await here.make_key()
    rng = random.Random(20_261_120)
    for person in range(PEOPLE):
        await _once(here.port, _sent("signup", person, rng, nickname=f"Person {person}"))
    logins: list[float] = []
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(rounds):
        alone += await _loop(here.port, lambda _: _action(key, rng), SENDERS, seconds)
        both = await asyncio.gather(
            _loop(here.port, lambda person: _sent("login", person, rng), PEOPLE, seconds),
            _loop(here.port, lambda _: _action(key, rng), SENDERS, seconds),
        )
        logins += both[0]
        beside += both[1]
    hashes = await _hash_seconds() * PEOPLE
    rate = len(logins) / (seconds * rounds)
    print(f"logins: {rate:.1f} per s, p50 {percentile(logins, 0.5) * 1_000:.0f} ms")
    verdict(
        "login ÷ 32 bare hashes, p99",
        percentile(logins, 0.99) * 1_000,
        hashes * 1_000,
        target=3,
        unit="ms",
        at_most=True,
    )
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        ours, limit = percentile(beside, share) * 1_000, percentile(alone, share) * 1_000
        verdict(f"single actions beside logins ÷ alone, {name}", ours, limit, target=4, unit="ms", at_most=True)


async def _hash_seconds() -> float:
    passwords = Passwords()
    began = time.perf_counter()
    for _ in range(20):
        await passwords.hash(PASSWORD)
    return (time.perf_counter() - began) / 20


async def _loop(port: int, make: Callable[[int], bytes], connections: int, seconds: float) -> list[float]:
    took: list[float] = []
    stop_at = time.perf_counter() + seconds

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < stop_at:
            writer.write(make(number))
            await answer_to(reader)
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return took


async def _once(port: int, content: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    await answer_to(reader)
    writer.close()


def _action(key: str, rng: random.Random) -> bytes:
    return request("/api/actions", key, spin(rng.randrange(1, 10_000), rng))


def _sent(path: str, person: int, rng: random.Random, **more: str) -> bytes:
    """From another address every time, as people are; limits count addresses."""
    address = ".".join(str(rng.randrange(1, 255)) for _ in range(4))
    body = json.dumps({"email": f"person{person}@example.com", "password": PASSWORD, **more}).encode()
    head = (
        f"POST /api/users/{path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    main()
