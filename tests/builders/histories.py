"""Files of history as another system would write them."""

import csv
import gzip
import json
import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
"""Long before what senders may send."""
MAP = ("--map", "user_id=member", "--map", "action_type=event", "--map", "action_timestamp=ts")
MAP_ID = ("--map", "client_action_id=event_id")


def spins(count: int, *, users: int = 7, seed: int = 1, minutes: int = 1) -> list[dict[str, Any]]:
    """Spins of some users in turn, in the order of time, each with an id of its own."""
    rng = random.Random(seed)

    def drawn() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    return [
        {
            "member": number % users + 1,
            "event": "SLOT_SPIN",
            "ts": (BEGAN + timedelta(minutes=minutes * number)).isoformat(),
            "event_id": drawn(),
            "metadata.result": "lose",
            "metadata.currency": "COIN",
            "metadata.staked": rng.randint(1, 500),
            "metadata.won": 0,
            "metadata.round_id": drawn(),
        }
        for number in range(count)
    ]


def without_ids(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: held for name, held in row.items() if name != "event_id"} for row in rows]


def as_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def as_parquet(path: Path, rows: Sequence[dict[str, Any]], *, row_group_rows: int = 1_000) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=row_group_rows)
    return path


def gzipped(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed
