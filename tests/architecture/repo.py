"""The checkout as the checks see it: Python parsed once, every other text file read, nothing imported."""

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

_GENERATED = {"__pycache__", "node_modules", "build", "out", "dist"}
_KEPT_HIDDEN = {".ci", ".gitignore"}
_BINARY = {".png", ".jpg", ".webp", ".ico", ".woff2", ".mp3", ".parquet", ".gz", ".pyc"}


@dataclass(frozen=True)
class Module:
    """One Python file: its path below the root, with forward slashes, its text and its tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def slice_name(self) -> str | None:
        """The slice it belongs to, if it stands inside one."""
        parts = self.path.split("/")
        return parts[3] if self.path.startswith("src/casino_club/features/") and len(parts) > 4 else None

    def at(self, node: ast.AST, what: str) -> str:
        """A violation that an editor can jump to."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


@dataclass(frozen=True)
class Repo:
    """A tree of files: this checkout, or one that a self-test has planted."""

    root: Path = field(default=ROOT)

    @cached_property
    def paths(self) -> list[str]:
        """Every file that people write, below the root."""
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if _is_written(name))
            here = Path(folder).relative_to(self.root)
            found += [(here / name).as_posix() for name in sorted(files) if _is_written(name)]
        return found

    @cached_property
    def modules(self) -> list[Module]:
        return [Module(path, self.read(path)) for path in self.paths if path.endswith(".py")]

    def under(self, *folders: str) -> Iterator[Module]:
        """The Python files below any of these folders."""
        return (module for module in self.modules if module.path.startswith(folders))

    def texts(self) -> Iterable[tuple[str, str]]:
        """Every text file with its content."""
        return ((path, self.read(path)) for path in self.paths if Path(path).suffix not in _BINARY)

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")


def plant(root: Path, files: dict[str, str]) -> Repo:
    """A tree that holds just these files."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return Repo(root)


def _is_written(name: str) -> bool:
    if name.startswith("."):
        return name in _KEPT_HIDDEN
    return name not in _GENERATED and not name.endswith(".egg-info")
