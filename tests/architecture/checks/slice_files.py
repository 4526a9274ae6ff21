"""A slice has nine file names, data in .toml, and folders of the files that grew; two slices may also learn."""

from collections.abc import Iterator

from tests.architecture.repo import Repo

_FEATURES = "src/casino_club/features/"
NAMES = {"public", "routes", "jobs", "schemas", "commands", "store", "tables", "events", "rules"}
_FOLDERS = ("rules", "commands", "store", "routes")
_LEARNING_SLICES = {"recommendations", "segments"}

PLANTED = {
    "a tenth name": {f"{_FEATURES}wallet/service.py": ""},
    "learning elsewhere": {f"{_FEATURES}wallet/learning.py": ""},
    "a folder of its own": {f"{_FEATURES}wallet/models/coin.py": ""},
    "loose SQL": {f"{_FEATURES}wallet/report.sql": ""},
    "a file beside the slices": {f"{_FEATURES}shared.py": ""},
}
ALLOWED = {
    "the vocabulary": {
        f"{_FEATURES}__init__.py": "",
        f"{_FEATURES}segments/__init__.py": "",
        f"{_FEATURES}segments/learning.py": "",
        f"{_FEATURES}segments/rules/crossings.py": "",
        f"{_FEATURES}segments/commands/move.py": "",
        f"{_FEATURES}segments/store/members.py": "",
        f"{_FEATURES}segments/routes/members.py": "",
        f"{_FEATURES}segments/sql/warehouse.sql": "",
        f"{_FEATURES}segments/policies.toml": "",
        f"{_FEATURES}segments/public.py": "",
    }
}


def violations(repo: Repo) -> Iterator[str]:
    for path in repo.paths:
        if path.startswith(_FEATURES) and not _is_known(path.removeprefix(_FEATURES).split("/")):
            yield f"{path}:1: not one of a slice's file names"


def _is_known(parts: list[str]) -> bool:
    if parts[-1] == "__init__.py":
        return True
    if len(parts) == 3:
        return (parts[1], parts[2].rpartition(".")[2]) in {("sql", "sql"), *((name, "py") for name in _FOLDERS)}
    if len(parts) != 2:
        return False
    name, _, ending = parts[1].rpartition(".")
    return ending == "toml" or (ending == "py" and (name in NAMES or _may_learn(parts[0], name)))


def _may_learn(slice_name: str, name: str) -> bool:
    return name == "learning" and slice_name in _LEARNING_SLICES
