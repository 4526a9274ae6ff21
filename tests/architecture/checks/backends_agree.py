"""What can be started privately can also be named, and the other way round: both folders list the same files."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.repo import Repo

_FOLDER = "src/casino_club/infra/backends"

PLANTED = {
    "embedded alone": {f"{_FOLDER}/embedded/redis.py": "", f"{_FOLDER}/cluster/__init__.py": ""},
    "cluster alone": {f"{_FOLDER}/cluster/kafka.py": "", f"{_FOLDER}/embedded/__init__.py": ""},
}
ALLOWED = {"a pair": {f"{_FOLDER}/embedded/redis.py": "", f"{_FOLDER}/cluster/redis.py": ""}}


def violations(repo: Repo) -> Iterator[str]:
    embedded, cluster = (_names(repo, kind) for kind in ("embedded", "cluster"))
    for name in sorted(embedded ^ cluster):
        yield f"{_FOLDER}: {name} stands in one of embedded and cluster only"


def _names(repo: Repo, kind: str) -> set[str]:
    folder = f"{_FOLDER}/{kind}/"
    return {PurePosixPath(path).name for path in repo.paths if path.startswith(folder)} - {"__init__.py"}
