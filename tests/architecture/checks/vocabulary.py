"""One concept, one word: people are users, in every identifier."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repo import Module, Repo

_BANNED = {"player", "players", "customer", "customers", "gamer", "gamers"}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PATH = "src/casino_club/features/wallet/rules.py"

PLANTED = {
    "a class": {_PATH: "class PlayerBalance: ...\n"},
    "an argument": {_PATH: "def spend(customer_id): ...\n"},
    "a name": {_PATH: "players = 3\n"},
    "an attribute": {_PATH: "def spend(row):\n    row.customer = 1\n"},
    "a keyword": {_PATH: "spend(player_id=3)\n"},
    "a module": {"src/casino_club/features/wallet/player.py": ""},
}
ALLOWED = {"users, and plays": {_PATH: "class UserPlays: ...\nplayed = 'a player, said to people'\n"}}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.modules:
        found = {name.lower() for word in module.path.split("/") for name in _WORDS.findall(word)} & _BANNED
        if found:
            yield f"{module.path}:1: say user, not {min(found)}"
        for line, name in sorted(set(_identifiers(module))):
            banned = {word.lower() for word in _WORDS.findall(name)} & _BANNED
            if banned:
                yield f"{module.path}:{line}: say user, not {min(banned)}, in {name}"


def _identifiers(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)) | ast.alias(name=name):
                yield node.lineno, name
