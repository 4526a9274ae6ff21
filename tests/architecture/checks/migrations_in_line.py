"""Migrations stand in one line: each names the one before it, which is there, and no two name the same."""

import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_FOLDER = "migrations/versions/"
_BEFORE = re.compile(r'^down_revision = (?:"(\w+)"|None)$', re.MULTILINE)
_FIRST = 'revision = "a"\ndown_revision = None\n'
_SECOND = 'revision = "b"\ndown_revision = "a"\n'

PLANTED = {
    "two after the same": {
        f"{_FOLDER}a.py": _FIRST,
        f"{_FOLDER}b.py": _SECOND,
        f"{_FOLDER}c.py": 'revision = "c"\ndown_revision = "a"\n',
    },
    "two beginnings": {f"{_FOLDER}a.py": _FIRST, f"{_FOLDER}b.py": 'revision = "b"\ndown_revision = None\n'},
    "one that follows nothing": {f"{_FOLDER}a.py": _FIRST, f"{_FOLDER}b.py": 'revision = "b"\ndown_revision = "z"\n'},
    "one that doesn't say": {f"{_FOLDER}a.py": 'revision = "a"\n'},
}
ALLOWED = {"a line": {f"{_FOLDER}a.py": _FIRST, f"{_FOLDER}b.py": _SECOND}}


def violations(repo: Repo) -> Iterator[str]:
    modules = list(repo.under(_FOLDER))
    names = {_name(module.path) for module in modules}
    followed: dict[str | None, str] = {}
    for module in modules:
        found = _BEFORE.search(module.text)
        if found is None:
            yield f"{module.path}:1: say which migration stands before it"
            continue
        before = found[1]
        if before in followed:
            yield f"{module.path}:1: {followed[before]} follows {before or 'nothing'} already; follow the last one"
        elif before is not None and before not in names:
            yield f"{module.path}:1: there is no {before}"
        followed.setdefault(before, _name(module.path))


def _name(path: str) -> str:
    return path.removeprefix(_FOLDER).removesuffix(".py")
