"""Each check holds on this checkout, catches every violation planted for it, and spares what is allowed."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import pytest

from tests.architecture.repo import Repo, plant


class Check(Protocol):
    """What a file in `checks/` offers."""

    PLANTED: dict[str, dict[str, str]]
    ALLOWED: dict[str, dict[str, str]]

    def violations(self, repo: Repo) -> Iterator[str]: ...


@dataclass(frozen=True)
class Example:
    check: str
    title: str
    files: dict[str, str]

    def __str__(self) -> str:
        return f"{self.check}: {self.title}"


NAMES = sorted(path.stem for path in (Path(__file__).parent / "checks").glob("*.py"))
CHECKS = {name: cast("Check", importlib.import_module(f"tests.architecture.checks.{name}")) for name in NAMES}
PLANTED = [Example(name, title, files) for name in NAMES for title, files in CHECKS[name].PLANTED.items()]
ALLOWED = [Example(name, title, files) for name in NAMES for title, files in CHECKS[name].ALLOWED.items()]


@pytest.fixture(scope="module")
def checkout() -> Repo:
    return Repo()


@pytest.mark.parametrize("name", NAMES)
def test_the_checkout_keeps_the_rule(name: str, checkout: Repo) -> None:
    found = list(CHECKS[name].violations(checkout))

    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("example", PLANTED, ids=str)
def test_a_planted_violation_is_caught(example: Example, tmp_path: Path) -> None:
    found = list(CHECKS[example.check].violations(plant(tmp_path, example.files)))

    assert len(found) == 1, found


@pytest.mark.parametrize("example", ALLOWED, ids=str)
def test_what_is_allowed_is_spared(example: Example, tmp_path: Path) -> None:
    assert list(CHECKS[example.check].violations(plant(tmp_path, example.files))) == []


def test_every_check_proves_itself() -> None:
    assert [name for name in NAMES if not CHECKS[name].PLANTED] == []
