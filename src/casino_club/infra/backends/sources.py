"""Files of somebody else's rows, as CSV, JSON lines or Parquet, the first two perhaps compressed with gzip.

Every row comes with the number of its line. A bad line is one bad row; memory is bounded, however long a line is.
"""

import csv
import gzip
import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import msgspec

from casino_club.infra.ports import BrokenLine, SourceBlock, SourceFile, SourceUnreadable

READ_BYTES = 1 << 20
LINE_BYTES_MAX = 1 << 20
RECORD_LINES_MAX = 100
"""So many lines may one quoted cell take; beyond, its quote was never closed."""
KEPT_TEXT_BYTES = 4_096

Format = Literal["csv", "jsonl", "parquet"]
ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}

Row = tuple[int, Mapping[str, Any] | BrokenLine]
Lines = tuple[int, list[bytes]]
"""Whole lines without their ends, and the number of the first."""


def open_source(path: Path, *, kind: Format | None = None, delimiter: str | None = None) -> SourceFile:
    """The file, looked at as far as its columns go. Raises SourceUnreadable."""
    if path.is_dir():
        raise SourceUnreadable(f"{path} is a folder; name the files in it.")
    try:
        is_empty = not path.stat().st_size
    except OSError as error:
        raise SourceUnreadable(f"{path} can't be read: {error.strerror}.") from error
    if is_empty:
        raise SourceUnreadable(f"{path} is empty.")
    ending = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    chosen = kind or ENDINGS.get(ending)
    if chosen is None:
        raise SourceUnreadable(
            f"{path}: what format it has can't be told from its name; say so as `format` in a mapping file."
        )
    if chosen == "parquet":
        from casino_club.infra.backends.parquet_source import ParquetSource  # noqa: PLC0415 - pyarrow is large

        return ParquetSource(path)
    if chosen == "jsonl":
        return JsonLines(path)
    separator = delimiter or ("\t" if ending == ".tsv" else ",")
    return Csv(path, separator, _header(path, separator))


class Shown(Protocol):
    """Told how much has been read."""

    def __call__(self, count: int, /, *, share: float) -> None: ...


def digest_of(path: Path, shown: Shown) -> bytes:
    """What tells this file from every other."""
    digest, read = hashlib.sha256(), 0
    try:
        size = max(path.stat().st_size, 1)
        with path.open("rb") as file:
            while data := file.read(READ_BYTES):
                digest.update(data)
                read += len(data)
                shown(read, share=read / size)
    except OSError as error:
        raise SourceUnreadable(f"{path} can't be read: {error.strerror}.") from error
    return digest.digest()


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object a line."""

    path: Path
    columns: None = None
    is_of_the_log: bool = False

    def blocks(self, *, after_line: int = 0, rows_max: int) -> Iterator[SourceBlock]:
        """See SourceFile."""
        return _blocks(self.path, _json_rows, after_line=after_line, rows_max=rows_max)


@dataclass(frozen=True, slots=True)
class Csv:
    """Rows of cells below a line that names them. Cells may be quoted, and hold line breaks then."""

    path: Path
    delimiter: str
    columns: Sequence[str]
    is_of_the_log: bool = False

    def blocks(self, *, after_line: int = 0, rows_max: int) -> Iterator[SourceBlock]:
        """See SourceFile."""

        def rows(lines: Iterator[Lines]) -> Iterator[list[Row]]:
            return _csv_rows(lines, self.delimiter, self.columns)

        return _blocks(self.path, rows, after_line=max(after_line, 1), rows_max=rows_max)


def _header(path: Path, delimiter: str) -> list[str]:
    records = (record for some in _records(_lines_of(path), delimiter) for record in some)
    number, cells = next(records, (1, BrokenLine("it holds no line", "")))
    if isinstance(cells, BrokenLine):
        raise SourceUnreadable(f"{path}, line {number}: the names of the columns can't be read: {cells.message}.")
    names = [cell.strip() for cell in cells]
    if len(set(names)) < len(names) or not all(names):
        raise SourceUnreadable(f"{path}, line {number}: the columns need names, each one of its own.")
    return names


def _blocks(
    path: Path, rows_of: Callable[[Iterator[Lines]], Iterator[list[Row]]], *, after_line: int, rows_max: int
) -> Iterator[SourceBlock]:
    """Rows behind a line, collected into blocks of bounded size."""
    size = max(path.stat().st_size, 1)
    with path.open("rb") as raw:
        waiting: list[Row] = []
        try:
            for some in rows_of(_lines(path, raw)):
                waiting += some if some and some[0][0] > after_line else [row for row in some if row[0] > after_line]
                while len(waiting) >= rows_max:
                    yield SourceBlock(waiting[:rows_max], raw.tell() / size)
                    waiting = waiting[rows_max:]
        except SourceUnreadable:
            if waiting:
                yield SourceBlock(waiting, raw.tell() / size)
            raise
        if waiting:
            yield SourceBlock(waiting, 1.0)


def _lines_of(path: Path) -> Iterator[Lines]:
    with path.open("rb") as raw:
        yield from _lines(path, raw)


def _lines(path: Path, raw: BinaryIO) -> Iterator[Lines]:
    """All lines, a megabyte at a time. Of one that is too long, as much is left as tells that it is."""
    number, rest = 1, b""
    for data in _data(path, raw):
        lines = (rest + data).split(b"\n")
        rest = lines.pop()[: LINE_BYTES_MAX + 1]
        if lines:
            if number == 1:
                lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
            yield number, lines
            number += len(lines)
    if rest:
        yield number, [rest.removeprefix(b"\xef\xbb\xbf") if number == 1 else rest]


def _data(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """What can be read, also of a file that is damaged further on."""
    file = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
    read, is_at_end = bytearray(), False
    try:
        while not is_at_end:
            data = file.read1(READ_BYTES) if isinstance(file, gzip.GzipFile) else file.read(READ_BYTES)
            read += data
            is_at_end = not data
            if len(read) >= READ_BYTES or (is_at_end and read):
                yield bytes(read)
                read.clear()
    except (OSError, EOFError, zlib.error) as error:
        if read:
            yield bytes(read)
        where = f"behind byte {raw.tell():,} of {path.stat().st_size:,}"
        raise SourceUnreadable(f"{path} is damaged {where} ({error}); what stood before is done.") from error


def _json_rows(blocks: Iterator[Lines]) -> Iterator[list[Row]]:
    for first, lines in blocks:
        yield [(number, _json_row(line)) for number, line in enumerate(lines, first) if line and not line.isspace()]


_object = msgspec.json.Decoder(dict[str, Any])


def _json_row(line: bytes) -> dict[str, Any] | BrokenLine:
    if len(line) > LINE_BYTES_MAX:
        return _too_long(line)
    try:
        return _object.decode(line)
    except UnicodeDecodeError:
        return BrokenLine("the line is not UTF-8", _shown(line))
    except (msgspec.DecodeError, RecursionError) as fault:
        return BrokenLine(f"the line holds no JSON object: {fault}", _shown(line))


def _csv_rows(blocks: Iterator[Lines], delimiter: str, columns: Sequence[str]) -> Iterator[list[Row]]:
    for records in _records(blocks, delimiter):
        yield [(number, _csv_row(columns, cells)) for number, cells in records if cells]


def _csv_row(columns: Sequence[str], cells: list[str] | BrokenLine) -> dict[str, str] | BrokenLine:
    if isinstance(cells, BrokenLine):
        return cells
    if len(cells) != len(columns):
        return BrokenLine(f"the line has {len(cells)} cells, not {len(columns)}", _shown(cells))
    return dict(zip(columns, cells, strict=True))


Record = tuple[int, list[str] | BrokenLine]


def _records(blocks: Iterator[Lines], delimiter: str) -> Iterator[list[Record]]:
    """The cells of each record. Most blocks hold no quote, so that each line is a record; the others take longer."""
    waiting: list[tuple[int, bytes]] = []
    for first, lines in blocks:
        plain = None if waiting else _plain_records(first, lines, delimiter)
        if plain is not None:
            yield plain
            continue
        records, waiting = _quoted_records(deque(chain(waiting, enumerate(lines, first))), delimiter)
        yield records
    while waiting:  # The file ends within a quote: its line is broken, and those behind it are read for themselves.
        broken, *others = waiting
        records, waiting = _quoted_records(deque(others), delimiter)
        yield [(broken[0], _unclosed(broken[1])), *records]


def _plain_records(first: int, lines: list[bytes], delimiter: str) -> list[Record] | None:
    text = b"\n".join(lines)
    if b'"' in text or len(lines[0]) > LINE_BYTES_MAX:
        return None
    try:
        cells = list(csv.reader(text.decode().split("\n"), delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error):
        return None
    return list(enumerate(cells, first)) if len(cells) == len(lines) else None


def _quoted_records(lines: deque[tuple[int, bytes]], delimiter: str) -> tuple[list[Record], list[tuple[int, bytes]]]:
    """The records of these lines, and the lines of a last one that has not come to its end."""
    records: list[Record] = []
    while lines:
        taken = [lines.popleft()]
        cells = _cells(taken, delimiter)
        while cells is None and _may_grow(taken):
            if not lines:
                return records, taken
            taken.append(lines.popleft())
            cells = _cells(taken, delimiter)
        if cells is None:
            lines.extendleft(reversed(taken[1:]))
        records.append((taken[0][0], _unclosed(taken[0][1]) if cells is None else cells))
    return records, []


def _may_grow(lines: Sequence[tuple[int, bytes]]) -> bool:
    return len(lines) < RECORD_LINES_MAX and sum(len(line) for _, line in lines) <= LINE_BYTES_MAX


def _cells(lines: Sequence[tuple[int, bytes]], delimiter: str) -> list[str] | BrokenLine | None:
    """The cells of a record; None if a quote is still open at its end."""
    text = b"\n".join(line for _, line in lines)
    if len(text) > LINE_BYTES_MAX:
        return _too_long(text) if len(lines) == 1 else None
    try:
        whole = [f"{line}\n" for line in text.decode().split("\n")]
        return next(csv.reader(whole, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        return BrokenLine("the line is not UTF-8", _shown(lines[0][1])) if len(lines) == 1 else None
    except csv.Error as fault:
        if str(fault) == "unexpected end of data":
            return None
        return BrokenLine(f"the line's quotes are wrong: {fault}", _shown(text)) if len(lines) == 1 else None


def _unclosed(line: bytes) -> BrokenLine:
    return BrokenLine("a quote that begins in this line is not closed", _shown(line))


def _too_long(line: bytes) -> BrokenLine:
    return BrokenLine(f"the line is longer than {LINE_BYTES_MAX:,} bytes", _shown(line))


def _shown(text: bytes | Sequence[str]) -> str:
    if isinstance(text, bytes):
        return text[:KEPT_TEXT_BYTES].decode(errors="replace").replace("\0", "\ufffd")
    return ",".join(text)[:KEPT_TEXT_BYTES]
