"""A slice's SQL stands in its store, infra's in the folders that speak to PostgreSQL for all; others have none.

The engine, which runs the statements of others, completes them.
"""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_STATEMENT = re.compile(
    r"\b(SELECT\s|INSERT INTO|DELETE FROM|UPDATE \w+ SET|TRUNCATE |COPY \w)"
    r"|\b(CREATE|ALTER|DROP) (UNIQUE )?(TABLE|INDEX|VIEW)"
)
_STORE = re.compile(r"/store(/\w+)?\.py$")
_INFRA = "src/casino_club/infra/"
_PLACES = (
    *(f"{_INFRA}{name}/" for name in ("audit", "db", "jobs", "log", "warehouse")),
    f"{_INFRA}http/service_keys.py",
    f"{_INFRA}backends/engine/sessions.py",
)
_SLICE = "src/casino_club/features/wallet/"

PLANTED = {
    "a command": {f"{_SLICE}commands.py": "async def spend(db):\n    await db.execute('SELECT 1')\n"},
    "a job": {f"{_SLICE}jobs.py": "QUERY = '''\n    UPDATE accounts SET coins = 1'''\n"},
    "pieces": {f"{_SLICE}routes.py": "def q(name):\n    return f'DELETE FROM {name}'\n"},
    "an entry point": {"src/casino_club/entry/cli/keys.py": "q = 'INSERT INTO service_keys VALUES (1)'\n"},
    "infra elsewhere": {f"{_INFRA}telemetry/metrics.py": "q = 'SELECT count(*) FROM user_actions'\n"},
}
ALLOWED = {
    "stores": {
        f"{_SLICE}store.py": "q = 'SELECT 1'\n",
        "src/casino_club/features/shop/store/items.py": "q = 'SELECT 1'\n",
        f"{_INFRA}db/session.py": "q = 'SELECT 1'\n",
    },
    "a sentence": {f"{_SLICE}rules.py": '"""SELECT a reward."""\nmessage = "Select a reward."\n'},
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/"):
        if module.path.startswith(_PLACES) or (module.slice_name and _STORE.search(module.path)):
            continue
        sentences = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}
        for node in module.nodes:
            match node:
                case ast.Constant(value=str(text)) if id(node) not in sentences and _STATEMENT.search(text):
                    yield module.at(node, "SQL belongs into a store")
