"""A slice's public.py offers at most twelve names: functions, frozen values, choices, refusals; never a table's row."""

import ast
from collections.abc import Iterator

from tests.architecture.repo import Module, Repo

_NAMES_MAX = 12
_SLICE = "src/casino_club/features/wallet/"
_PATH = f"{_SLICE}public.py"
_FROZEN = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Balance:\n    coins: int\n"
_VALUE_BASES = {"StrEnum", "IntEnum", "Enum", "NamedTuple", "TypedDict", "Protocol"}

PLANTED = {
    "thirteen names": {_PATH: "".join(f"def f{number}(): ...\n" for number in range(_NAMES_MAX + 1))},
    "a service class": {_PATH: "class Wallet:\n    pass\n"},
    "a value that can change": {
        _PATH: "from dataclasses import dataclass\n@dataclass\nclass Balance:\n    coins: int\n"
    },
    "a row handed on": {
        _PATH: "from .tables import Account as Account\n",
        f"{_SLICE}tables.py": "class Account: ...\n",
    },
    "a row listed": {
        _PATH: "from .store import Account\n__all__ = ['Account']\n",
        f"{_SLICE}store.py": "class Account: ...\n",
    },
    "a row under another name": {_PATH: "from . import tables\nAccount = tables.Account\n"},
}
ALLOWED = {
    "functions, frozen values, refusals": {
        _PATH: _FROZEN + "from .rules import Overdrawn as Overdrawn, Coin as Coin\n"
        "async def balance_of(db): ...\nCURRENCIES = ('coin',)\n" + "def _hidden(): ...\n" * _NAMES_MAX,
        f"{_SLICE}rules.py": "class Overdrawn(Refused): ...\nclass Coin(StrEnum): ...\n",
    },
    "names used inside only": {_PATH: "from . import tables\nfrom .tables import account\ndef f(): return account\n"},
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/casino_club/features/"):
        if not module.path.endswith("/public.py"):
            continue
        names = sorted(_offered(module))
        if len(names) > _NAMES_MAX:
            yield f"{module.path}:1: {len(names)} names, more than {_NAMES_MAX}"
        for name in names:
            if not _may_cross(repo, module, name):
                yield f"{module.path}:1: {name} is neither a function nor a frozen value"


def _offered(module: Module) -> set[str]:
    names = set(_listed(module))
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names |= {alias.name for alias in aliases if alias.asname == alias.name}
    return {name for name in names if not name.startswith("_")}


def _listed(module: Module) -> list[str]:
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return list(ast.literal_eval(value))
    return []


def _may_cross(repo: Repo, module: Module, name: str) -> bool:
    for node in module.tree.body:
        match node:
            case ast.ClassDef(name=found) if found == name:
                return _is_value(node)
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Attribute(value=ast.Name(id="tables" | "store"))):
                if found == name:
                    return False
            case ast.ImportFrom(module=origin, names=aliases, level=1) if name in {a.asname or a.name for a in aliases}:
                return origin != "tables" and _is_value_in(repo, module, origin or "", name)
    return True


def _is_value_in(repo: Repo, door: Module, origin: str, name: str) -> bool:
    folder = door.path.rpartition("/")[0]
    for module in repo.modules:
        if module.path == f"{folder}/{origin.replace('.', '/')}.py":
            found = [node for node in module.tree.body if isinstance(node, ast.ClassDef) and node.name == name]
            return all(map(_is_value, found))
    return True


def _is_value(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    if bases & _VALUE_BASES or any(base in {"Refused", "Exception", "Unavailable"} for base in bases):
        return True
    marks = [ast.unparse(mark) for mark in [*node.decorator_list, *node.keywords]]
    return any("frozen=True" in mark for mark in marks)
