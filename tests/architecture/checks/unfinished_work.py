"""What is left to do is done or said in an issue, not left in the text."""

import re
from collections.abc import Iterator

from tests.architecture.repo import Repo

_MARKS = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
_MARK = re.compile(rf"\b({'|'.join(_MARKS)})\b")

PLANTED = {
    "in code": {"src/casino_club/kernel/money.py": f"# {_MARKS[0]}: round\n"},
    "in a page": {"docs/glossary.md": f"{_MARKS[1]} explain\n"},
}
ALLOWED = {"other words": {"docs/glossary.md": "A to-do list, fixed.\n"}}


def violations(repo: Repo) -> Iterator[str]:
    for path, text in repo.texts():
        for number, line in enumerate(text.splitlines(), 1):
            if found := _MARK.search(line):
                yield f"{path}:{number}: {found.group()}"
