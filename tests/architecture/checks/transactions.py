"""One request, one transaction, opened and closed by infra: nothing above it commits or rolls back."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_STATEMENT = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|START TRANSACTION)\b")
_PATH = "src/casino_club/features/wallet/commands.py"

PLANTED = {
    "commit": {_PATH: "async def spend(db):\n    await db.commit()\n"},
    "rollback": {"src/casino_club/entry/cli/keys.py": "async def create(db):\n    await db.rollback()\n"},
    "a statement": {_PATH: "async def spend(db):\n    await db.execute('ROLLBACK')\n"},
    "a part of one": {_PATH: "async def spend(db, name):\n    await db.execute(f'SAVEPOINT {name}')\n"},
}
ALLOWED = {
    "infra": {"src/casino_club/infra/db/session.py": "async def close(db):\n    await db.commit()\n"},
    "a sentence about it": {_PATH: '"""COMMIT is done by infra."""\n# ROLLBACK too\n'},
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/casino_club/features/", "src/casino_club/entry/", "src/casino_club/kernel/"):
        sentences = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}
        for node in module.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="commit" | "rollback" as name)):
                    yield module.at(node, f"{name} belongs to infra")
                case ast.Constant(value=str(text)) if id(node) not in sentences and _STATEMENT.match(text):
                    yield module.at(node, "transactions belong to infra")
