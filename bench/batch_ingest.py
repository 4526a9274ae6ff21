"""Batches of 10,000 actions over HTTP, with every check, against a bare binary COPY into the same table.

The limit writes rows that are encoded beforehand and checks nothing. Both run in turn, one connection each, with
20 million keys and a million users present and a checkpoint in the middle.
"""

import argparse
import asyncio
import http.client
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import asyncpg

from bench._lab import Lab, fill, lab, median, verdict
from casino_club.features.actions.rules.admission import ReadyRow
from casino_club.features.actions.rules.standing import Standing
from casino_club.features.actions.store import writing
from casino_club.kernel.clock import to_us
from casino_club.kernel.ids import new_uuid7

ROWS = 10_000
USERS = 1_000_000

MakeKey = Callable[[random.Random], uuid.UUID]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=20_000_000, help="keys that are taken before it begins")
    parser.add_argument("--rounds", type=int, default=12, help="batches of each kind")
    options = parser.parse_args()
    with lab() as here:
        asyncio.run(fill(here.database_url, users=USERS, keys=options.keys))
        with here.process("serve"):
            asyncio.run(_measure(here, options.rounds))


async def _measure(here: Lab, rounds: int) -> None:
    key = await here.make_key()
    limit = await asyncpg.connect(here.database_url)
    rng = random.Random(20_261_120)
    for users, target in ((2_000, 0.40), (ROWS, 0.20)):
        for kind, make_key in (("version 7 keys", time_ordered), ("random keys", _random)):
            name = f"{ROWS:,} actions of {users:,} users, {kind}"
            await _compare(here, limit, key, name, rounds, users_of(rng, users), make_key, rng, target)
    await limit.close()


async def _compare(
    here: Lab,
    limit: asyncpg.Connection,
    service_key: str,
    name: str,
    rounds: int,
    draw_users: Callable[[], Sequence[int]],
    make_key: MakeKey,
    rng: random.Random,
    target: float,
) -> None:
    copied, posted = [], []
    sender = http.client.HTTPConnection("127.0.0.1", here.port)
    for round_number in range(rounds):
        if round_number == rounds // 2:
            await limit.execute("CHECKPOINT")
        rows = await encoded(limit, draw_users(), rng)
        began = time.perf_counter()
        async with limit.transaction():
            await writing.copy_rows(limit, written(rows))
        copied.append(time.perf_counter() - began)
        body = batch_body(draw_users(), make_key, rng)
        posted.append(post(sender, service_key, body))
    sender.close()
    verdict(name, ROWS * rounds / sum(posted), ROWS * rounds / sum(copied), target=target, unit="rows/s")
    print(
        f"    medians: limit {ROWS / median(copied):,.0f} rows/s, ours {ROWS / median(posted):,.0f} rows/s", flush=True
    )


def users_of(rng: random.Random, count: int) -> Callable[[], Sequence[int]]:
    """Each batch is of other users; with fewer users than rows, each comes several times."""

    def draw() -> Sequence[int]:
        some = rng.sample(range(1, USERS + 1), count)
        return some if count == ROWS else rng.choices(some, k=ROWS)

    return draw


def time_ordered(rng: random.Random) -> uuid.UUID:
    return new_uuid7(time.time_ns() // 1_000_000, rng)


def _random(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def _metadata(rng: random.Random) -> dict[str, object]:
    round_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return {"result": "lose", "currency": "COIN", "staked": 100, "won": 0, "round_id": round_id}


def batch_body(users: Sequence[int], make_key: MakeKey, rng: random.Random) -> bytes:
    return json.dumps({"actions": [spin(user, rng, make_key) for user in users]}).encode()


def spin(user: int, rng: random.Random, make_key: MakeKey = time_ordered) -> dict[str, object]:
    """A spin as a sender would send it."""
    return {
        "user_id": user,
        "action_type": "SLOT_SPIN",
        "value": rng.randrange(1_000),
        "metadata": _metadata(rng),
        "action_timestamp": datetime.now(UTC).isoformat(),
        "client_action_id": str(make_key(rng)),
    }


def post(sender: http.client.HTTPConnection, key: str, body: bytes) -> float:
    """Post a batch; the seconds until it was answered."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    began = time.perf_counter()
    sender.request("POST", "/api/actions/batch", body, headers)
    answer = sender.getresponse()
    content = answer.read()
    took = time.perf_counter() - began
    assert answer.status == 200, content[:500]
    assert json.loads(content)["accepted"] == ROWS
    return took


async def encoded(connection: asyncpg.Connection, users: Sequence[int], rng: random.Random) -> list[bytes]:
    """Spins of these users as COPY takes them."""
    ids = await writing.draw_ids(connection, len(users))
    now_us = to_us(datetime.now(UTC))
    appended = writing.instant_field(now_us)
    heads = []
    for user in users:
        metadata = _metadata(rng)
        row = ReadyRow(
            user_id=user,
            scope=100,
            key=None,
            client_action_id=time_ordered(rng).bytes,
            body_hash=b"",
            action_type="SLOT_SPIN",
            value=rng.randrange(1_000),
            metadata=json.dumps(metadata).encode(),
            at_us=now_us,
            round_id=uuid.UUID(str(metadata["round_id"])).bytes,
            is_play=True,
            by_user=True,
        )
        heads.append(writing.encoded_head(row, appended))
    tails = [writing.encoded_tail(action_id, Standing(1, 1, now_us, now_us)) for action_id in ids]
    rows = [head + tail for head, tail in zip(heads, tails, strict=True)]
    return [b"".join(rows[start : start + 500]) for start in range(0, len(rows), 500)]


async def written(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    """These parts, one after the other."""
    for part in parts:
        yield part


if __name__ == "__main__":
    main()
