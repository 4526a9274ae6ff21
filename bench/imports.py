"""Importing a file, beside the same rows over HTTP in batches of 10,000 and a bare binary COPY of as many.

All write into the same table in turn, with 20 million keys and a million users present. What an import has to reach is
what the batches did. Its own start is not counted, its reading, mapping and judging is.
"""

import argparse
import asyncio
import csv
import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq

from bench._lab import Lab, fill, lab, verdict
from bench.batch_ingest import ROWS, USERS, batch_body, encoded, post, time_ordered, users_of, written
from casino_club.features.actions.store import writing

BATCHES = 10
OVER_HTTP = "batches over HTTP"
HTTP_TARGET = 0.40
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=20_000_000, help="keys that are taken before it begins")
    parser.add_argument("--rounds", type=int, default=3, help="files of each kind")
    options = parser.parse_args()
    with lab() as here, tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(here.database_url, users=USERS, keys=options.keys))
        with here.process("serve"):
            asyncio.run(_measure(here, Path(folder), options.rounds))


async def _measure(here: Lab, folder: Path, rounds: int) -> None:
    key = await here.make_key()
    limit = await asyncpg.connect(here.database_url)
    rng = random.Random(20_261_120)
    took: dict[str, list[float]] = {}
    for number in range(rounds):
        draw = users_of(rng, 2_000)
        took.setdefault("COPY", []).append(await _copied(limit, draw, rng))
        took.setdefault(OVER_HTTP, []).append(_posted(here, key, draw, rng))
        for kind, write in FILES.items():
            rows = [_row(user, rng) for _ in range(BATCHES) for user in draw()]
            took.setdefault(kind, []).append(_imported(here, write(folder / f"{number}", rows)))
    await limit.close()
    per_second = {kind: ROWS * BATCHES * rounds / sum(seconds) for kind, seconds in took.items()}
    limit_per_second = per_second.pop("COPY")
    for kind, ours in per_second.items():
        target = HTTP_TARGET if kind == OVER_HTTP else round(per_second[OVER_HTTP] / limit_per_second, 2)
        verdict(kind, ours, limit_per_second, target=target, unit="rows/s")


async def _copied(limit: asyncpg.Connection, draw: Callable[[], Sequence[int]], rng: random.Random) -> float:
    seconds = 0.0
    for _ in range(BATCHES):
        rows = await encoded(limit, draw(), rng)
        began = time.perf_counter()
        async with limit.transaction():
            await writing.copy_rows(limit, written(rows))
        seconds += time.perf_counter() - began
    return seconds


def _posted(here: Lab, key: str, draw: Callable[[], Sequence[int]], rng: random.Random) -> float:
    sender = http.client.HTTPConnection("127.0.0.1", here.port)
    seconds = sum(post(sender, key, batch_body(draw(), time_ordered, rng)) for _ in range(BATCHES))
    sender.close()
    return seconds


def _imported(here: Lab, path: Path) -> float:
    argv = [sys.executable, "-m", "casino_club.entry.cli", "import", str(path), "--json"]
    done = subprocess.run(argv, env=here.environment, capture_output=True, check=True)
    [told] = json.loads(done.stdout)
    assert told["accepted"] == ROWS * BATCHES, told
    seconds: float = told["seconds"]
    return seconds


def _row(user: int, rng: random.Random) -> Row:
    return {
        "user_id": user,
        "action_type": "SLOT_SPIN",
        "value": rng.randrange(1_000),
        "action_timestamp": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        "client_action_id": str(time_ordered(rng)),
        "metadata.result": "lose",
        "metadata.currency": "COIN",
        "metadata.staked": 100,
        "metadata.won": 0,
        "metadata.round_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    }


def _csv(path: Path, rows: Sequence[Row]) -> Path:
    path = path.with_suffix(".csv")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _csv_without_ids(path: Path, rows: Sequence[Row]) -> Path:
    kept = [{name: held for name, held in row.items() if name != "client_action_id"} for row in rows]
    return _csv(path.with_name(f"{path.name} without ids"), kept)


def _jsonl(path: Path, rows: Sequence[Row]) -> Path:
    path = path.with_suffix(".jsonl")
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def _parquet(path: Path, rows: Sequence[Row]) -> Path:
    path = path.with_suffix(".parquet")
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


FILES: dict[str, Callable[[Path, Sequence[Row]], Path]] = {
    "import of CSV": _csv,
    "import of CSV, rows without ids": _csv_without_ids,
    "import of JSON lines": _jsonl,
    "import of Parquet": _parquet,
}


if __name__ == "__main__":
    main()
