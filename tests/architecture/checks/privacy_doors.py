"""A slice that knows users in its tables says what becomes of that when one goes, and hands it out when one asks."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repo import Module, Repo

_FEATURES = "src/casino_club/features/"
_SLICE = f"{_FEATURES}cheers/"
_OF_USERS = re.compile(r"(\w+_)?user_id\Z")
_TABLE = "cheers = Table('cheers', metadata, Column('{}', BigInteger))\n"
_ERASE = "@erase('cheers', about='x')\nasync def f(reach, erased): ...\n"
_EXPORT = "@export('cheers', about='x', about_ko='x')\nasync def g(reach, user_id): ...\n"

PLANTED = {
    "no jobs at all": {f"{_SLICE}tables.py": _TABLE.format("user_id")},
    "nothing erases": {f"{_SLICE}tables.py": _TABLE.format("user_id"), f"{_SLICE}jobs.py": _EXPORT},
    "nothing exports": {f"{_SLICE}tables.py": _TABLE.format("by_user_id"), f"{_SLICE}jobs.py": _ERASE},
    "a column by hand": {f"{_SLICE}tables.py": "def user():\n    return Column('user_id', BigInteger)\n"},
}
ALLOWED = {
    "both doors": {f"{_SLICE}tables.py": _TABLE.format("user_id"), f"{_SLICE}jobs.py": _ERASE + _EXPORT},
    "rows that stay, and why": {
        f"{_SLICE}tables.py": _TABLE.format("user_id"),
        f"{_SLICE}jobs.py": "CHEERS = kept('cheers', about='They know users by number.')\n" + _EXPORT,
    },
    "tables without users": {f"{_SLICE}tables.py": _TABLE.format("season_id")},
}


def violations(repo: Repo) -> Iterator[str]:
    by_path = {module.path: module for module in repo.under(_FEATURES)}
    for path, tables in by_path.items():
        if not path.endswith("/tables.py") or not _knows_users(tables):
            continue
        calls = _calls(by_path.get(path.replace("/tables.py", "/jobs.py")))
        missing = [] if calls & {"erase", "kept"} else ["an eraser, or says what is kept"]
        missing += [] if "export" in calls else ["an exporter"]
        if missing:
            yield f"{path}:1: it has users in its tables; its jobs.py lacks {' and '.join(missing)}"


def _knows_users(tables: Module) -> bool:
    return any(isinstance(node, ast.Constant) and _OF_USERS.match(str(node.value)) for node in tables.nodes)


def _calls(jobs: Module | None) -> set[str]:
    if jobs is None:
        return set()
    return {node.func.id for node in jobs.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
