"""Readers of files: the same rows however the file is cut up, and a place for whatever is broken."""

import csv
import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casino_club.infra.backends import sources
from casino_club.infra.backends.sources import open_source
from casino_club.infra.ports import BrokenLine
from tests.builders.histories import as_parquet, gzipped

CELLS = st.text(alphabet='abc",\n ;é', max_size=6)
RECORDS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30)


def read(path: Path, *, after_line: int = 0, rows_max: int = 7) -> list[tuple[int, Any]]:
    return [row for block in open_source(path).blocks(after_line=after_line, rows_max=rows_max) for row in block.rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS, bytes_read=st.integers(1, 40), is_packed=st.booleans())
def test_cells_come_as_they_were_written_however_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: list[tuple[str, str]], bytes_read: int, is_packed: bool
) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *records])
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xef\xbb\xbf" + written.getvalue().encode())
    monkeypatch.setattr(sources, "READ_BYTES", bytes_read)

    found = read(gzipped(path) if is_packed else path)

    assert [row for _, row in found] == [{"a": a, "b": b} for a, b in records]
    lines = [number for number, _ in found]
    breaks = [2 + sum(f"{a}{b}".count("\n") + 1 for a, b in records[:place]) for place in range(len(records))]
    assert lines == breaks


@pytest.mark.parametrize("after_line", range(9))
def test_reading_goes_on_behind_any_line(tmp_path: Path, after_line: int) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b\n1,x\n2,"y\nz"\n\n3,w\n4,v\n')
    rows = read(path)

    assert [number for number, _ in rows] == [2, 3, 6, 7]
    assert read(path, after_line=after_line) == [row for row in rows if row[0] > after_line]


@pytest.mark.parametrize("after_line", [0, 1, 99, 100, 101, 250])
def test_reading_a_parquet_file_goes_on_behind_any_row(tmp_path: Path, after_line: int) -> None:
    path = as_parquet(tmp_path / "file.parquet", [{"n": number} for number in range(250)], row_group_rows=100)

    assert read(path, after_line=after_line) == [(n + 1, {"n": n}) for n in range(after_line, 250)]


BROKEN = {
    "a cell too many": (b"a,b\n1,2,3\n4,5\n", 2, "3 cells, not 2"),
    "bytes that are no text": (b"a,b\n\xff,2\n4,5\n", 2, "not UTF-8"),
    "an open quote": (b'a,b\n"1,2\n4,5\n', 2, "not closed"),
    "a quote in the wrong place": (b'a,b\n"1"x,2\n4,5\n', 2, "quotes are wrong"),
    "a line without an end": (b"a,b\n" + b"1" * (1 << 21) + b",2\n4,5\n", 2, "longer than"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_line_is_one_broken_row(tmp_path: Path, what: str) -> None:
    content, line, message = BROKEN[what]
    path = tmp_path / "file.csv"
    path.write_bytes(content)

    (number, broken), last = read(path)

    assert (number, type(broken), last) == (line, BrokenLine, (3, {"a": "4", "b": "5"}))
    assert message in broken.message


def test_an_open_quote_costs_one_line_and_no_more_than_it(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b\n"1,2\n' + "4,5\n" * 300)

    rows = read(path)

    assert [number for number, row in rows if isinstance(row, BrokenLine)] == [2]
    assert len(rows) == 301


@pytest.mark.parametrize("name", ["file.csv.gz", "file.jsonl.gz"])
def test_memory_stays_bounded_however_long_a_line_is(tmp_path: Path, name: str) -> None:
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
        file.write(b"a\n")
        for _ in range(64):
            file.write(b'"' * (1 << 20))
    tracemalloc.start()

    rows = read(tmp_path / name)

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(row) for _, row in rows][-1] is BrokenLine
    assert peak_bytes < 16 << 20


@pytest.mark.parametrize("line", [b"{", b"[1]", b'{"a": "\xff"}', b"[" * 5_000])
def test_a_line_that_holds_no_object_is_one_broken_row(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n\n{"a": 2}')

    first, (number, broken), last = read(path)

    assert (first, number, last) == ((1, {"a": 1}), 2, (4, {"a": 2}))
    assert isinstance(broken, BrokenLine)
