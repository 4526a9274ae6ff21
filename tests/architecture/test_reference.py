"""The reference names every setting, action type, job and metric, and says today what the code says today."""

import re
import tomllib
from pathlib import Path

import pytest

from casino_club.entry.cli import reference
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.metrics import METRICS
from tests.architecture.repo import ROOT

PLAN = ROOT / "src/casino_club/features/actions/tracking_plan.toml"
DECLARED = re.compile(r"@(?:subscribe\w*|job)\(\s*\"([^\"]+)\"")

NAMES = {
    "actions.md": list(tomllib.loads(PLAN.read_text())["types"]),
    "settings.md": [f"CASINO_CLUB_{name.upper()}" for name in Settings.model_fields],
    "jobs.md": [name for path in ROOT.glob("src/**/*.py") for name in DECLARED.findall(path.read_text())],
    "metrics.md": list(METRICS),
}


def outdated(folder: Path) -> list[str]:
    """Pages in this folder that differ from what the code gives."""
    current = reference.pages()
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in current.keys() | kept.keys() if current.get(name) != kept.get(name))


def test_the_pages_are_current() -> None:
    assert outdated(ROOT / reference.FOLDER) == [], "run: make gen"


def test_a_page_that_was_changed_forgotten_or_left_over_is_noticed(tmp_path: Path) -> None:
    reference.write(tmp_path)
    assert outdated(tmp_path) == []

    (tmp_path / "settings.md").write_text("# Settings\n")
    (tmp_path / "metrics.md").unlink()
    (tmp_path / "plans.md").write_text("")

    assert outdated(tmp_path) == ["metrics.md", "plans.md", "settings.md"]


@pytest.mark.parametrize("page", NAMES)
def test_every_name_is_in_its_page(page: str) -> None:
    text = reference.pages()[page]

    assert [name for name in NAMES[page] if f"`{name}`" not in text] == []
