"""Disks that are full or slow: a small file system in memory, and writes and flushes that take longer.

A slow disk is made inside the process, before each write to a file and each flush: no other process on the machine
feels it, and nothing but time is lost. It says nothing of a disk that reorders or forgets.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from tests.faults.shims import Shim

PROGRAMS = ("postgres", "valkey-server")
MEGABYTE = 1 << 20
CRUMB_BYTES = 1_024


class SlowDisks:
    """The disks of programs that are started with `environment`."""

    def __init__(self, folder: Path, programs: Sequence[str] = PROGRAMS) -> None:
        self._shim = Shim(folder, "disk", programs)

    @property
    def environment(self) -> Mapping[str, str]:
        return self._shim.environment

    def has(self, program: str) -> bool:
        """Whether such a program runs and is under our hand."""
        return self._shim.has(program)

    def slow(self, program: str, by: timedelta) -> None:
        """Let every write and flush of a program take this much longer from now on."""
        self._shim.set(program, by // timedelta(microseconds=1))


def why_no_small_disk() -> str | None:
    """What this machine lacks, if it does."""
    if os.geteuid():
        return "a disk of its own needs root"
    try:
        with small_disk(1):
            return None
    except subprocess.CalledProcessError as fault:
        return f"no disk can be mounted here: {fault.stderr.decode().strip()}"


@contextmanager
def small_disk(size_mb: int) -> Iterator[Path]:
    """A folder on a disk of this size, which every account may pass; unmounted afterwards, whoever still uses it."""
    folder = Path(tempfile.mkdtemp(prefix="casino-club-disk-"))
    folder.chmod(0o755)
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=755", "tmpfs", str(folder)],
            check=True,
            capture_output=True,
        )
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
    finally:
        folder.rmdir()


def fill(folder: Path, *, but_mb: int) -> Path:
    """Fill a disk but for so much; the file that does, to be removed again."""
    ballast = folder / "ballast"
    free_bytes = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free_bytes - but_mb * MEGABYTE, 1))
    return ballast


def fill_up(folder: Path) -> tuple[Path, Path]:
    """Leave no byte: most of it at once, the rest in crumbs, since others write there as well. Both files may go."""
    most, crumbs = fill(folder, but_mb=4), folder / "crumbs"
    with crumbs.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(CRUMB_BYTES))
    return most, crumbs
