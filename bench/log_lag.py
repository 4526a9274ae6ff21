"""From the answer of a post to its hot metric in Redis: at rest, and while the API takes half of what it can take.

Measured from outside: a probe posts one play of a user of its own and asks Redis until the user's values follow from
that row. The clock starts when the answer has arrived, so what the answer itself took is not counted.
"""

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import uvloop
from redis.asyncio import Redis

from bench._lab import Lab, fill, lab, percentile
from bench.batch_ingest import spin
from bench.single_action import answer_to, request

USERS = 100_000
PROBE_USERS = range(USERS + 1, USERS + 51)
CONNECTIONS = 32
ROWS_PER_BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=300, help="posts that are timed, in each state")
    options = parser.parse_args()
    with lab() as here:
        asyncio.run(fill(here.database_url, users=USERS + len(PROBE_USERS), keys=1_000))
        with here.process("serve"), here.process("consumer"):
            uvloop.run(_measure(here, options.probes))


async def _measure(here: Lab, probes: int) -> None:
    key = await here.make_key()
    redis = Redis.from_url(here.redis_url, decode_responses=True)
    await _probe(here, key, redis, 20)
    _report("idle", await _probe(here, key, redis, probes), limit_ms=20)

    most = Load(here, key, pause_seconds=0)
    await most.run(seconds=5)
    per_second = most.sent / 5
    half = Load(here, key, pause_seconds=CONNECTIONS * ROWS_PER_BATCH / (per_second / 2))
    loading = asyncio.create_task(half.run(seconds=600))
    await _caught_up(here, redis, key)
    began = time.perf_counter()
    sent_before = half.sent
    took = await _probe(here, key, redis, probes)
    rate = (half.sent - sent_before) / (time.perf_counter() - began)
    loading.cancel()
    print(f"most: {per_second:,.0f} actions/s in batches of {ROWS_PER_BATCH}; half load was {rate:,.0f} actions/s")
    _report("half load", took, limit_ms=100)
    await redis.aclose()


@dataclass
class Load:
    """Connections that post batches, each resting between two."""

    here: Lab
    key: str
    pause_seconds: float
    sent: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(20_261_120))

    async def run(self, *, seconds: float) -> None:
        stop_at = time.perf_counter() + seconds
        await asyncio.gather(*(self._one(stop_at) for _ in range(CONNECTIONS)))

    async def _one(self, stop_at: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.here.port)
        await asyncio.sleep(self.rng.random() * self.pause_seconds)
        while time.perf_counter() < stop_at:
            began = time.perf_counter()
            actions = [spin(self.rng.randrange(1, USERS + 1), self.rng) for _ in range(ROWS_PER_BATCH)]
            writer.write(request("/api/actions/batch", self.key, {"actions": actions}))
            await answer_to(reader)
            self.sent += ROWS_PER_BATCH
            await asyncio.sleep(max(0.0, self.pause_seconds - (time.perf_counter() - began)))
        writer.close()


async def _probe(here: Lab, key: str, redis: Redis, probes: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    rng = random.Random()
    took = []
    for probe in range(probes):
        user = PROBE_USERS[probe % len(PROBE_USERS)]
        writer.write(request("/api/actions", key, spin(user, rng)))
        row_id = json.loads(await answer_to(reader))["id"]
        began = time.perf_counter()
        while int(await redis.get(f"user:{{{user}}}:hot_row_id") or 0) < row_id:
            assert time.perf_counter() - began < 30, "the hot metric never came"
            await asyncio.sleep(0.0005)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(rng.random() * 0.02)
    writer.close()
    return took


async def _caught_up(here: Lab, redis: Redis, key: str) -> None:
    """Until what the full load left behind has been followed."""
    await _probe(here, key, redis, 3)


def _report(state: str, took: list[float], *, limit_ms: float) -> None:
    p50, p99 = percentile(took, 0.5) * 1_000, percentile(took, 0.99) * 1_000
    is_met = "met" if p99 < limit_ms else "MISSED"
    print(
        f"commit → hot metric, {state}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (target < {limit_ms:g} ms: {is_met})",
        flush=True,
    )


if __name__ == "__main__":
    main()
