"""The kernel needs the standard library only, and of that nothing that reaches outside."""

import ast
import sys
from collections.abc import Iterator

from tests.architecture.repo import Repo

_REACHING = {"asyncio", "os", "socket", "subprocess", "threading", "urllib", "http", "logging", "pathlib", "shutil"}
_PATH = "src/casino_club/kernel/money.py"

PLANTED = {
    "a library": {_PATH: "import msgspec\n"},
    "a part of one": {_PATH: "from pydantic.fields import Field\n"},
    "the machine": {_PATH: "import os\n"},
    "a layer above": {_PATH: "from casino_club.infra import ports\n"},
}
ALLOWED = {"words": {_PATH: "from decimal import Decimal\nfrom casino_club.kernel.errors import Refused\n"}}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/casino_club/kernel/"):
        for node in module.nodes:
            match node:
                case ast.Import(names=aliases):
                    names = [alias.name for alias in aliases]
                case ast.ImportFrom(module=str(name), level=0):
                    names = [name]
                case _:
                    continue
            for name in names:
                if not _is_pure(name):
                    yield module.at(node, f"{name} is not for the kernel")


def _is_pure(name: str) -> bool:
    top = name.partition(".")[0]
    if top == "casino_club":
        return name.startswith("casino_club.kernel")
    return top in sys.stdlib_module_names - _REACHING
