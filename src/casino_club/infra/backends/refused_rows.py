"""The file that an import puts refused rows into: JSON lines that can be mended and imported themselves."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from casino_club.infra.ports import BrokenLine, RefusedRow, Unusable


class RefusedRows:
    """Begun with the first refused row; cut back to what was noted when an import goes on."""

    def __init__(self, path: Path, *, size: int) -> None:
        """Raises Unusable if the file is there and should not be, or holds less than it should."""
        self.path = path
        self._file: BinaryIO | None = None
        held = path.stat().st_size if path.exists() else 0
        if held < size:
            raise Unusable(
                f"{path} held the refused rows so far, and {'is shorter now' if held else 'is gone'}; "
                "bring it back, or begin again with --again."
            )
        if held and not size:
            raise Unusable(f"{path} is there already; move it away, or name another with --refused-to.")
        if held:
            os.truncate(path, size)

    def put(self, rows: Sequence[RefusedRow], *, behind: int) -> int:
        """See RefusedSink."""
        if not rows:
            return behind
        with _on_disk(self.path):
            if self._file is None:
                self._file = self.path.open("ab")
            self._file.truncate(behind)
            written = sum(self._file.write(_encoded(row)) for row in rows)
            self._file.flush()
            os.fsync(self._file.fileno())
        return behind + written

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # What could not be written was told by `put`, and is cut off when it goes on.
                self._file.close()


def _encoded(row: RefusedRow) -> bytes:
    held: Mapping[str, Any] = {"refused_text": row.row.text} if isinstance(row.row, BrokenLine) else row.row
    notes = {"refused_line": row.line, "refused_code": row.code, "refused_message": row.message}
    return msgspec.json.encode({**notes, **held}, enc_hook=str) + b"\n"


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"{path} can't be written: {error.strerror or error}; make room there and call this again, "
            "or move the file and name its new folder with --refused-to."
        ) from error
