"""A function fits on one screen, and a file stays short enough to be read in one go."""

import ast
from collections.abc import Iterator

from tests.architecture.repo import Repo

_FUNCTION_LINES_MAX = 60
_FILE_LINES_MAX = 400
_PATH = "src/casino_club/kernel/long.py"

PLANTED = {
    "a long function": {_PATH: "def long():\n" + "    work()\n" * _FUNCTION_LINES_MAX},
    "a long method": {_PATH: "class A:\n    async def long(self):\n" + "        work()\n" * _FUNCTION_LINES_MAX},
    "a long file": {_PATH: "a = 1\n" * (_FILE_LINES_MAX + 1)},
    "a long test": {"tests/test_long.py": "a = 1\n" * (_FILE_LINES_MAX + 1)},
}
ALLOWED = {
    "just as long as may be": {
        _PATH: "def long():\n" + "    work()\n" * (_FUNCTION_LINES_MAX - 1),
        "bench/long.py": "a = 1\n" * _FILE_LINES_MAX,
    }
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.modules:
        lines = len(module.text.splitlines())
        if lines > _FILE_LINES_MAX:
            yield f"{module.path}:1: {lines} lines, more than {_FILE_LINES_MAX}"
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > _FUNCTION_LINES_MAX:
                    yield module.at(node, f"{node.name} has {length} lines, more than {_FUNCTION_LINES_MAX}")
