"""Files that an export and an import write: the same bytes for the same rows, and nothing twice after a repetition."""

import json
import resource
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from casino_club.infra.backends import parquet
from casino_club.infra.backends.parquet import SCHEMA, ParquetFolder
from casino_club.infra.backends.refused_rows import RefusedRows
from casino_club.infra.ports import RefusedRow, Unusable
from tests.builders.actions import NOON

ROWS = 25


def batch(first: int, count: int) -> pa.RecordBatch:
    rows = [
        {
            **dict.fromkeys(SCHEMA.names),
            **dict.fromkeys(("id", "xact", "user_id", "scope", "streak", "day_plays"), number),
            **dict.fromkeys(("appended_at", "action_timestamp", "last_action_at"), NOON),
            **dict.fromkeys(("is_play", "by_user"), True),
            "action_type": "SLOT_SPIN",
            "metadata": "{}",
        }
        for number in range(first, first + count)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


@pytest.mark.parametrize("size", [1, 7, 10, 24])
def test_the_same_rows_give_the_same_bytes_however_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 10)
    folder = ParquetFolder(tmp_path)
    for name, step in (("whole", ROWS), ("pieces", size)):
        with folder.draft(name) as draft:
            for first in range(0, ROWS, step):
                draft.add_batch(batch(first, min(step, ROWS - first)))
        folder.keep(name)

    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    assert folder.row_count("pieces") == ROWS


def test_refused_rows_that_are_written_again_stand_there_once(tmp_path: Path) -> None:
    refused = RefusedRows(tmp_path / "refused.jsonl", size=0)
    first, second, third = (RefusedRow(line, "code", "Why.", {"a": line}) for line in (1, 2, 3))

    size = refused.put([first], behind=0)
    refused.put([second, third], behind=size)
    refused.put([second], behind=size)
    refused.close()

    lines = [json.loads(line) for line in refused.path.read_text().splitlines()]
    assert [line["refused_line"] for line in lines] == [1, 2]


def test_a_disk_without_room_for_refused_rows_is_told_as_such(tmp_path: Path) -> None:
    refused = RefusedRows(tmp_path / "refused.jsonl", size=0)
    row = RefusedRow(1, "code", "Why.", {"a": "long"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # What a full disk says comes as late: when it is written.
    try:
        with pytest.raises(Unusable, match="make room there"), closing(refused):
            refused.put([row], behind=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
