"""One place decides between private and named servers: infra/runtime.py."""

import ast
from collections.abc import Iterator

from tests.architecture.repo import Repo

_PLACES = ("src/casino_club/infra/runtime.py", "src/casino_club/infra/settings.py")
_MODES = {"embedded", "cluster"}
_PATH = "src/casino_club/entry/http.py"

PLANTED = {
    "asked elsewhere": {_PATH: "def serve(settings):\n    if settings.mode == 'embedded': ...\n"},
    "asked backwards": {_PATH: "def serve(mode):\n    return 'cluster' != mode\n"},
    "a choice of several": {_PATH: "def serve(mode):\n    return mode in ('cluster', 'other')\n"},
    "matched": {_PATH: "def serve(mode):\n    match mode:\n        case 'embedded': ...\n"},
}
ALLOWED = {"the one place": {_PLACES[0]: "def start(mode):\n    if mode == 'embedded': ...\n"}}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/"):
        if module.path in _PLACES:
            continue
        for node in module.nodes:
            if isinstance(node, ast.Compare | ast.MatchValue) and _names_a_mode(node):
                yield module.at(node, "only infra/runtime.py may ask for the mode")


def _names_a_mode(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Constant) and part.value in _MODES for part in ast.walk(node))
