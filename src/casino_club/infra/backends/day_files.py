"""The days of an export as Parquet files, made of rows of the table and of files of detached partitions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from casino_club.infra.backends.parquet import ParquetDraft, ParquetFolder, digest_of
from casino_club.infra.log.detached import FilesUnreadable
from casino_club.infra.log.export import Chosen

READ_ROWS = 20_000


class DayFiles:
    """See ExportFiles."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self._folder, self._archive = folder, archive
        self._parquet = ParquetFolder(folder, otherwise="or name another folder with --out.")

    def has(self, file: str) -> bool:
        return (self._folder / file).exists()

    @contextmanager
    def draft(self, file: str) -> Iterator["DayDraft"]:
        with self._parquet.draft(file) as draft:
            yield DayDraft(draft, self._archive)

    def keep(self, file: str) -> str:
        self._parquet.keep(file)
        return digest_of(self._folder / file)

    def count(self, archived: str, chosen: Chosen) -> int:
        return sum(batch.num_rows for batch in _chosen(self._archive / archived, chosen, ["appended_at", "user_id"]))


class DayDraft:
    """One day's file while it is written."""

    def __init__(self, draft: ParquetDraft, archive: Path) -> None:
        self._draft, self._archive = draft, archive

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        self._draft.add(rows)

    def add_archived(self, archived: str, chosen: Chosen) -> Iterator[int]:
        for batch in _chosen(self._archive / archived, chosen, None):
            self._draft.add_batch(batch)
            yield batch.num_rows


def _chosen(path: Path, chosen: Chosen, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    """Rows of a detached partition that were stored within the bounds. Row groups without any are not read."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as reader:
            groups = [number for number in range(reader.num_row_groups) if _may_hold(reader, number, chosen)]
            for batch in reader.iter_batches(READ_ROWS, row_groups=groups, columns=columns):
                stored = batch.column("appended_at")
                keep = pc.and_(pc.greater_equal(stored, chosen.start), pc.less(stored, chosen.end))
                if chosen.users is not None:
                    keep = pc.and_(keep, pc.is_in(batch.column("user_id"), pa.array(chosen.users, pa.int64())))
                if (found := batch.filter(keep)).num_rows:
                    yield found
    except (OSError, pa.ArrowInvalid) as error:
        raise FilesUnreadable(f"{path} can't be read: {error}") from error


def _may_hold(reader: pq.ParquetFile, row_group: int, chosen: Chosen) -> bool:
    number = reader.schema_arrow.names.index("appended_at")
    known = reader.metadata.row_group(row_group).column(number).statistics
    return bool(known.min < chosen.end and known.max >= chosen.start)
