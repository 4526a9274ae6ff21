"""Slices and the kernel are told the time and given chance; only entry and infra may ask for them."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repo import Module, Repo

_CLOCKS = r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|time\.(time|monotonic|perf_counter)(_ns)?"
_CHANCE = r"random\.(?!Random$)\w+|secrets\.\w+|uuid\.uuid[1-8]|os\.urandom|numpy\.random(\.\w+)?"
_ASKED = re.compile(f"({_CLOCKS}|{_CHANCE})$")
_PATH = "src/casino_club/features/wallet/rules.py"

PLANTED = {
    "now": {_PATH: "from datetime import datetime\nat = datetime.now()\n"},
    "now, by the module": {_PATH: "import datetime as dt\nat = dt.datetime.utcnow()\n"},
    "today": {_PATH: "from datetime import date\nday = date.today()\n"},
    "time": {_PATH: "import time\nat = time.time()\n"},
    "a monotonic clock": {"src/casino_club/kernel/pace.py": "from time import monotonic_ns\nat = monotonic_ns()\n"},
    "a draw": {_PATH: "import random\ndrawn = random.choice([1, 2])\n"},
    "a generator made": {_PATH: "from random import Random\nrng = Random(1)\n"},
    "a secret": {_PATH: "import secrets\nkey = secrets.token_hex()\n"},
    "an id, as a default": {_PATH: "from uuid import uuid4\nvalue = field(default_factory=uuid4)\n"},
    "the system's bytes": {"src/casino_club/features/wallet/commands.py": "import os\nkey = os.urandom(8)\n"},
}
ALLOWED = {
    "handed down": {
        _PATH: "from random import Random\ndef draw(now, rng: Random) -> int:\n    return rng.choice([1])\n"
    },
    "asked for above and below": {
        "src/casino_club/entry/http.py": "import secrets\nkey = secrets.token_hex()\n",
        "src/casino_club/infra/clock.py": "import time\nat = time.time()\n",
    },
    "a field of that name": {_PATH: "def day(row):\n    return row.time.time\n"},
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.under("src/casino_club/features/", "src/casino_club/kernel/"):
        meanings = _imported(module)
        for node in module.nodes:
            match node:
                case ast.Attribute() | ast.Name() if _ASKED.match(name := _full_name(node, meanings)):
                    yield module.at(node, f"{name}: take it as an argument")
                case ast.Call(func=function) if _full_name(function, meanings) == "random.Random":
                    yield module.at(node, "random.Random: take it as an argument")


def _imported(module: Module) -> dict[str, str]:
    meanings: dict[str, str] = {}
    for node in module.nodes:
        if isinstance(node, ast.Import):
            meanings |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            meanings |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return meanings


def _full_name(node: ast.expr, meanings: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return meanings.get(name, "")
        case ast.Attribute(value=value, attr=name) if owner := _full_name(value, meanings):
            return f"{owner}.{name}"
    return ""
