"""A file is named after what it holds; names that could hold anything are refused."""

import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager", "handler"}

PLANTED = {
    "a drawer": {"src/casino_club/kernel/utils.py": ""},
    "a drawer with a label": {"tests/features/wallet_helpers.py": ""},
    "a folder": {"src/casino_club/infra/common/retry.py": ""},
    "another language": {"web/src/lib/misc.ts": ""},
}
ALLOWED = {"a topic": {"src/casino_club/infra/db/database.py": "", "tests/builders/baseline.py": ""}}


def violations(repo: Repo) -> Iterator[str]:
    for path in repo.paths:
        vague = _VAGUE & set(re.split(r"[/._-]", path.lower()))
        if vague:
            yield f"{path}:1: a name like {min(vague)} says nothing"
