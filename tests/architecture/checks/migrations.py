"""Migrations form one line: each but the first follows another, and no two follow the same."""

import ast
from collections.abc import Iterator

from tests.architecture.repo import Module, Repo

_PATH = "migrations/versions/2026_01_0"

PLANTED = {
    "two heads": {
        f"{_PATH}1_a.py": "revision = 'a'\ndown_revision = None\n",
        f"{_PATH}2_b.py": "revision = 'b'\ndown_revision = 'a'\n",
        f"{_PATH}3_c.py": "revision = 'c'\ndown_revision = 'a'\n",
    },
    "a gap": {f"{_PATH}2_b.py": "revision = 'b'\ndown_revision = 'a'\n"},
}
ALLOWED = {
    "one line": {
        f"{_PATH}1_a.py": "revision = 'a'\ndown_revision = None\n",
        f"{_PATH}2_b.py": "revision = 'b'\ndown_revision = 'a'\n",
    }
}


def violations(repo: Repo) -> Iterator[str]:
    found = list(repo.under("migrations/versions/"))
    names = {_named(module, "revision") for module in found} | {None}
    followed: dict[str | None, str] = {}
    for module in found:
        before = _named(module, "down_revision")
        if before not in names:
            yield f"{module.path}:1: follows {before}, which is not there"
        if before in followed:
            yield f"{module.path}:1: follows {before}, and so does {followed[before]}"
        followed[before] = module.path


def _named(module: Module, name: str) -> str | None:
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=value)) if target == name:
                return None if value is None else str(value)
    return None
