"""The moments at which a crash could do most harm, and the fuse that makes a process die at the next such moment."""

import os
import signal
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    """Between which two steps a process dies."""

    COPIED = "api: rows copied, transaction open"
    COMMITTING = "api: before COMMIT"
    COMMITTED = "api: after COMMIT, before the answer"
    APPLIED = "consumer: effect applied, position not moved"
    MOVED = "consumer: position moved, next read not begun"
    REBUILDING = "consumer: in the middle of a rebuild"
    SWAPPED = "consumer: rebuild swapped in, not yet dropped"

    @property
    def process(self) -> str:
        return self.partition(":")[0]


class Fuse:
    """A file that names a point, and how often it may be passed. Whoever burns it removes it and dies."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "run" / "fuse"
        self._passed = 0

    def light(self, point: StrEnum, passes: int) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(f"{point.name} {passes}")
        draft.replace(self._path)

    @property
    def burns(self) -> bool:
        return self._path.exists()

    def reach(self, point: StrEnum) -> None:
        """Dies here if this is the point and it was passed often enough."""
        try:
            name, passes = self._path.read_text().split()
        except FileNotFoundError:
            return
        if name != point.name:
            return
        if self._passed < int(passes):
            self._passed += 1
            return
        self._path.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
