"""Every module of the package says in one to three lines what it is for."""

import ast
from collections.abc import Iterator

from tests.architecture.repo import Repo

_LINES_MAX = 3
_PATH = "src/casino_club/kernel/money.py"

PLANTED = {
    "silence": {_PATH: "COIN = 1\n"},
    "an essay": {_PATH: '"""One.\n\nTwo.\nThree.\nFour.\n"""\n'},
}
ALLOWED = {"a sentence, and an empty door": {_PATH: '"""Amounts."""\n', "src/casino_club/kernel/__init__.py": ""}}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/"):
        if not module.text.strip():
            continue
        lines = [line for line in (ast.get_docstring(module.tree) or "").splitlines() if line]
        if not 1 <= len(lines) <= _LINES_MAX:
            yield f"{module.path}:1: {len(lines)} lines of docstring, not 1 to {_LINES_MAX}"
