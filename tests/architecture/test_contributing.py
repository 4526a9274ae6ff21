"""The worked example of CONTRIBUTING.md is true: its slice passes every check, and its own test passes."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.checks import slice_files
from tests.architecture.repo import ROOT, Repo, plant
from tests.architecture.test_contracts import CONTRACTS, lint
from tests.architecture.test_guards import CHECKS, NAMES

PAGE = ROOT / "CONTRIBUTING.md"
SLICE = "src/casino_club/features/cheers"

NAMED = re.compile(r"^`([\w/]+\.py)`\n\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LISTED = re.compile(r'^```toml\n(  "\(cheers\)",\n)```$', re.MULTILINE)


def run(*command: str, root: Path) -> None:
    """Run a tool of this environment in the copy, and show what it said if it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's package with the slice of the page in it."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    page = PAGE.read_text(encoding="utf-8")
    plant(root, {f"{SLICE}/__init__.py": "", **dict(NAMED.findall(page))})
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [line] = LISTED.findall(page)
    (root / "pyproject.toml").write_text(settings.replace('  "(actions)",\n', f'{line}  "(actions)",\n'))
    return root


def test_the_slice_has_the_files_that_the_page_speaks_of(copy: Path) -> None:
    files = {path.stem for path in (copy / SLICE).glob("*.py")} - {"__init__"}

    assert {"events", "rules", "commands", "store", "routes", "jobs"} <= files <= slice_files.NAMES


def test_the_slice_is_formatted_and_linted(copy: Path) -> None:
    run("ruff", "format", "--check", "--no-cache", SLICE, "tests", root=copy)
    run("ruff", "check", "--no-cache", SLICE, "tests", root=copy)


def test_the_slice_is_typed(copy: Path) -> None:
    run("mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "example"), SLICE, root=copy)


def test_the_slice_keeps_every_contract(copy: Path) -> None:
    report = lint(copy)

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in report, report


@pytest.mark.parametrize("name", NAMES)
def test_the_slice_keeps_every_rule(name: str, copy: Path) -> None:
    assert [found for found in CHECKS[name].violations(Repo(copy)) if "cheers" in found] == []


def test_the_slices_own_test_passes(copy: Path) -> None:
    config = tomllib.loads((copy / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]

    assert config["filterwarnings"] == ["error"]
    run("pytest", "-p", "no:cacheprovider", "tests", root=copy)


def test_the_slice_can_be_wired(copy: Path) -> None:
    run_it = "from casino_club.features.cheers import jobs, routes; list(routes.routes)[0]; jobs.show_last_cheer.to_hot"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", run_it],
        check=False,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stderr
