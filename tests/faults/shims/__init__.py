"""Libraries that are loaded before a program's own, made by the machine's C compiler, and numbers that steer them."""

import mmap
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil

_LINE = struct.Struct("56sq")
SOURCES = Path(__file__).parent


def why_not() -> str | None:
    """What this machine lacks, if it does."""
    return None if shutil.which("cc") else "shims need a C compiler, cc"


class Shim:
    """One library, with a number for each of some programs. Every process may read both, whoever it runs as."""

    def __init__(self, folder: Path, kind: Literal["clock", "disk"], programs: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._library, self._path, self._kind = folder / f"{kind}.so", folder / f"{kind}.lines", kind
        self._programs = list(programs)
        self._path.write_bytes(b"".join(_LINE.pack(name.encode(), 0) for name in programs))
        for path, mode in ((self._path, 0o644), (folder, 0o755)):
            path.chmod(mode)
        words = ("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(self._library))
        subprocess.run((*words, str(SOURCES / f"{kind}.c"), "-ldl"), check=True, capture_output=True, timeout=60)

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs must find in their environment when they start."""
        return {"LD_PRELOAD": str(self._library), f"SHIM_{self._kind.upper()}S": str(self._path)}

    def set(self, program: str, number: int) -> None:
        """Give a program its number; it holds at once."""
        place = self._programs.index(program)
        with self._path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as held:
            struct.pack_into("q", held, place * _LINE.size + 56, number)

    def has(self, program: str) -> bool:
        """Whether any process runs that obeys a program's number."""
        return any(self._obeys(process, program) for process in psutil.process_iter())

    def _obeys(self, process: psutil.Process, program: str) -> bool:
        try:
            # Some servers put a title of several words where their name was.
            words, maps = " ".join(process.cmdline()).split(), Path(f"/proc/{process.pid}/maps").read_text()
        except (psutil.Error, OSError):
            return False
        return str(self._path) in maps and any(f"/{word}".endswith(f"/{program}") for word in words)


def together(*environments: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of programs that shall find the libraries of all of these."""
    libraries = ":".join(each["LD_PRELOAD"] for each in environments)
    return {name: value for each in environments for name, value in each.items()} | {"LD_PRELOAD": libraries}


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account may read, unlike those of tests."""
    with tempfile.TemporaryDirectory(prefix="casino-club-shims-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
