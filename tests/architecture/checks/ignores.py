"""A warning is switched off by its code, and with a reason."""

import io
import re
import tokenize
from collections.abc import Iterator

from tests.architecture.repo import Repo

_IGNORE = re.compile(r"#\s*(type:\s*ignore|noqa)")
_TYPE, _LINT = "type: " + "ignore", "no" + "qa"
_CODES = r"[A-Z]+\d+(\s*,\s*[A-Z]+\d+)*"
_REASONED = re.compile(rf"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*{_CODES})\s*(#|-|–|,|\()?\s*[A-Za-z`].{{5,}}")
_PATH = "src/casino_club/kernel/money.py"

PLANTED = {
    "everything": {_PATH: f"a = b  # {_LINT}\n"},
    "a type, without a code": {_PATH: f"a = b  # {_TYPE}  # the stub is wrong\n"},
    "a type, without a reason": {_PATH: f"a = b  # {_TYPE}[assignment]\n"},
    "a rule, without a reason": {_PATH: f"a = b  # {_LINT}: S101\n"},
}
ALLOWED = {
    "code and reason": {
        _PATH: f"a = b  # {_TYPE}[assignment]  # the stub is wrong\nc = d  # {_LINT}: S101 - the name is a constant\n"
    }
}


def violations(repo: Repo) -> Iterator[str]:
    for module in repo.modules:
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
            comment = token.string if token.type == tokenize.COMMENT else ""
            if _IGNORE.search(comment) and not _REASONED.search(comment):
                yield f"{module.path}:{token.start[0]}: name the code and the reason"
