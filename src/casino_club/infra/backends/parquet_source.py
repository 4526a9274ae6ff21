"""Rows of a Parquet file, whoever wrote it. Loaded by commands alone, since pyarrow takes some 100 MB."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from casino_club.infra.log.archive import COLUMNS
from casino_club.infra.ports import SourceBlock, SourceUnreadable
from casino_club.kernel.clock import from_us

_INSTANT = pa.timestamp("us", tz="UTC")


class ParquetSource:
    """See SourceFile. A row's line is its place, the first being 1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self.columns: Sequence[str] = file.schema_arrow.names
                self._rows = max(file.metadata.num_rows, 1)
        except (OSError, pa.ArrowInvalid) as error:
            raise SourceUnreadable(f"{path} is no whole Parquet file: {_sentence(error)}") from error

    @property
    def is_of_the_log(self) -> bool:
        return tuple(self.columns) == COLUMNS

    def blocks(self, *, after_line: int = 0, rows_max: int) -> Iterator[SourceBlock]:
        """A row group is read piece by piece, so that its size does not matter."""
        line = 0
        try:
            with pq.ParquetFile(self._path, buffer_size=1 << 20, page_checksum_verification=True) as file:
                groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
                first = 0
                while first < len(groups) and line + groups[first] <= after_line:
                    line += groups[first]
                    first += 1
                for batch in file.iter_batches(rows_max, row_groups=range(first, len(groups))):
                    rows = list(enumerate(_rows(batch), line + 1))
                    line += len(rows)
                    if line > after_line:
                        yield SourceBlock([row for row in rows if row[0] > after_line], line / self._rows)
        except (OSError, pa.ArrowInvalid) as error:
            where = f"behind row {line:,}"
            raise SourceUnreadable(
                f"{self._path} is damaged {where} ({_sentence(error)}); what stood before is done."
            ) from error


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    names = batch.schema.names
    return [dict(zip(names, values, strict=True)) for values in zip(*map(_values, batch.columns), strict=True)]


def _values(array: pa.Array) -> list[Any]:
    """As `to_pylist`, which takes four times as long for instants and ids."""
    if array.type == _INSTANT:
        return [None if us is None else from_us(us) for us in array.cast(pa.int64()).to_pylist()]
    if array.type == pa.uuid():
        return [None if value is None else UUID(bytes=value) for value in array.storage.to_pylist()]
    return array.to_pylist()  # type: ignore[no-any-return]  # pyarrow comes without types


def _sentence(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
