"""Whether parts of tables lie on the disk as the engine believes.

When the disk fills up during a merge, the engine takes the merge for done although its files are cut short or empty.
What was merged stays for some minutes, and comes back when the folder is opened anew: the broken part is put aside.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_NOT_COUNTED = {
    *("checksums.txt", "columns.txt", "columns_substreams.txt"),
    *("default_compression_codec.txt", "metadata_version.txt"),
}
"""Files that the engine leaves out of a part's size. They are never empty."""


ASIDE = ("broken", "covered-by-broken")
"""What the engine's names for parts begin with that it could not read. What people detach is theirs."""


class Part(NamedTuple):
    """A part that readers see, and the bytes that the engine says it has written."""

    path: str
    size_bytes: int


class PartsLookedAt:
    """Remembers the parts that were found whole: what has been written once is not written again."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def broken(self, parts: Iterable[Part]) -> Sequence[Part]:
        """Those that are new and not whole."""
        new = [part for part in parts if part.path not in self._known]
        found = [part for part in new if not _is_whole(part)]
        self._known = {part.path for part in parts} - {part.path for part in found}
        return found


def forget_broken(folder: Path, *, before: datetime) -> Sequence[Path]:
    """Delete parts that the engine has put aside as broken and that were written before this; which they were.

    What they were made of was read in their place, so they are of use to nobody but who looks for the cause.
    """
    aside = [path for prefix in ASIDE for path in folder.glob(f"store/*/*/detached/{prefix}*")]
    old = [path for path in aside if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before]
    for path in old:
        shutil.rmtree(path)
    return old


def _is_whole(part: Part) -> bool:
    try:
        sizes = {file.name: file.stat().st_size for file in Path(part.path).iterdir()}
    except FileNotFoundError:
        return True  # It has been merged or dropped meanwhile.
    counted = sum(size for name, size in sizes.items() if name not in _NOT_COUNTED)
    return counted == part.size_bytes and all(sizes.get(name, 1) for name in _NOT_COUNTED)
