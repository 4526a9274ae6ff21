"""Partitions and days of the log as Parquet files. Run as a module, it writes a file's rows to standard output.

It loads pyarrow, some 100 MB, so nothing that runs for long may import it.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from casino_club.infra.log.archive import COLUMNS
from casino_club.infra.log.rows import NAMES, LogRow
from casino_club.infra.ports import Unusable

ROW_GROUP_ROWS = 100_000
ELSEWHERE = "or name another folder in CASINO_CLUB_LOG_ARCHIVE_DIR and move its files there."

_INSTANT = pa.timestamp("us", tz="UTC")


def _column(name: str, kind: pa.DataType, about: str, *, may_be_null: bool = False) -> pa.Field:
    return pa.field(name, kind, may_be_null, {"about": about})


SCHEMA = pa.schema(
    (
        _column("id", pa.int64(), "The action's id. Rows are ordered by it; one user's actions happened in its order."),
        _column("xact", pa.int64(), "The transaction that appended it, in the PostgreSQL cluster of that time."),
        _column("appended_at", _INSTANT, "When the platform stored it."),
        _column("user_id", pa.int64(), "Whose action it is."),
        _column("scope", pa.int32(), "Where its `client_action_id` is unique: the sender's namespace."),
        _column("client_action_id", pa.uuid(), "The sender's own id for it.", may_be_null=True),
        _column("action_type", pa.string(), "What happened, a type of the tracking plan."),
        _column("value", pa.int64(), "A whole number, if the type has one.", may_be_null=True),
        _column("metadata", pa.string(), "The other fields of the action, a JSON object."),
        _column("action_timestamp", _INSTANT, "When it happened, as the sender says."),
        _column("round_id", pa.uuid(), "The round that it belongs to.", may_be_null=True),
        _column("is_play", pa.bool_(), "Whether the type counted as a play."),
        _column("by_user", pa.bool_(), "Whether a person caused it."),
        _column("streak", pa.int32(), "The user's streak after it."),
        _column("day_plays", pa.int32(), "The user's plays of the day after it."),
        _column("last_play_at", _INSTANT, "The user's last play after it.", may_be_null=True),
        _column("last_action_at", _INSTANT, "The user's last action after it."),
    )
)


class ParquetDraft:
    """A file that is being written: see Draft in infra.log.archive."""

    def __init__(self, writer: pq.ParquetWriter, on_disk: Callable[[], AbstractContextManager[None]]) -> None:
        self._writer = writer
        self._on_disk = on_disk
        self._waiting = SCHEMA.empty_table()

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        columns = zip(*rows, strict=True)
        arrays = [_array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
        self.add_batch(pa.record_batch(arrays, schema=SCHEMA))

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Full row groups are written at once, so that the same rows give the same file however they come."""
        self._waiting = pa.concat_tables((self._waiting, pa.Table.from_batches([batch], SCHEMA)))
        while self._waiting.num_rows >= ROW_GROUP_ROWS:
            self._write(self._waiting.slice(0, ROW_GROUP_ROWS))
            self._waiting = self._waiting.slice(ROW_GROUP_ROWS)

    def flush(self) -> None:
        """Write what waits as the last row group."""
        if self._waiting.num_rows:
            self._write(self._waiting)

    def _write(self, rows: pa.Table) -> None:
        with self._on_disk():
            self._writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP_ROWS)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.uuid():
        stored = pa.array([None if value is None else value.bytes for value in values], kind.storage_type)
        return pa.ExtensionArray.from_storage(kind, stored)
    return pa.array(values, kind)


class ParquetFolder:
    """A folder that parts of the log are exported to."""

    def __init__(self, folder: Path, *, otherwise: str = ELSEWHERE) -> None:
        """`otherwise` is what people can do about a disk that takes nothing."""
        self._folder = folder
        self._on_disk = partial(_on_disk, folder, otherwise)

    @contextmanager
    def draft(self, file: str) -> Iterator[ParquetDraft]:
        """See PartitionFiles, as for all that follows."""
        path = self._draft_path(file)
        with self._on_disk():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = path.open("wb")
        with target:
            writer = pq.ParquetWriter(target, SCHEMA, compression="zstd", write_page_checksum=True)
            try:
                draft = ParquetDraft(writer, self._on_disk)
                yield draft
                draft.flush()
                with self._on_disk():
                    writer.close()
                    target.flush()
                    os.fsync(target.fileno())
            except BaseException:
                with suppress(OSError):
                    writer.close()
                path.unlink()
                raise

    def ids_in_draft(self, file: str) -> Iterator[Sequence[int]]:
        with pq.ParquetFile(self._draft_path(file), page_checksum_verification=True) as reader:
            for batch in reader.iter_batches(ROW_GROUP_ROWS):
                batch.validate(full=True)
                yield batch.column("id").to_pylist()

    def keep(self, file: str) -> None:
        with self._on_disk():
            self._draft_path(file).replace(self._folder / file)
            handle = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def row_count(self, file: str) -> int | None:
        path = self._folder / file
        return pq.read_metadata(path).num_rows if path.exists() else None

    def _draft_path(self, file: str) -> Path:
        return self._folder / f".{file}.draft"


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as `sha256sum` gives it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _on_disk(folder: Path, otherwise: str) -> Iterator[None]:
    """A full or closed disk is a line for people."""
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"{folder} can't be written ({error.strerror or error}); make room in it, or make it yours, {otherwise}"
        ) from error


def log_rows(path: Path, *, after_id: int, rows_max: int, user_id: int = 0) -> Iterator[list[LogRow]]:
    """The file's rows above an id, in bounded pages; of one user only, unless that is 0."""
    with pq.ParquetFile(path, page_checksum_verification=True) as reader:
        groups = [number for number in range(reader.num_row_groups) if _last_id(reader, number) > after_id]
        for batch in reader.iter_batches(rows_max, row_groups=groups, columns=list(NAMES)):
            if user_id:
                batch = batch.filter(pc.equal(batch.column("user_id"), user_id))  # noqa: PLW2901 - the same, but less
            columns = (_values(batch.column(name)) for name in NAMES)
            if rows := [LogRow(*values) for values in zip(*columns, strict=True) if values[0] > after_id]:
                yield rows


def _values(array: pa.Array) -> list[Any]:
    """As a LogRow has them. `to_pylist` alone would take four times as long for ids."""
    if array.type == _INSTANT:
        return array.cast(pa.int64()).fill_null(0).to_pylist()  # type: ignore[no-any-return]  # as below
    if array.type == pa.uuid():
        return array.storage.to_pylist()  # type: ignore[no-any-return]  # as below
    return array.to_pylist()  # type: ignore[no-any-return]  # pyarrow comes without types


def _last_id(reader: pq.ParquetFile, row_group: int) -> int:
    last: int = reader.metadata.row_group(row_group).column(0).statistics.max
    return last


def write_pages(path: Path, output: BinaryIO, *, after_id: int, rows_max: int, user_id: int = 0) -> None:
    """The rows as MessagePack, each page behind its length in four bytes; a length of 0 says that this was all."""
    encode = msgspec.msgpack.Encoder().encode
    for rows in log_rows(path, after_id=after_id, rows_max=rows_max, user_id=user_id):
        page = encode(rows)
        output.write(len(page).to_bytes(4) + page)
        output.flush()
    output.write(bytes(4))
    output.flush()


if __name__ == "__main__":
    assert tuple(SCHEMA.names) == COLUMNS
    with suppress(BrokenPipeError):  # Whoever reads has had enough, or has ended.
        after, rows, user = map(int, sys.argv[2:])
        write_pages(Path(sys.argv[1]), sys.stdout.buffer, after_id=after, rows_max=rows, user_id=user)
