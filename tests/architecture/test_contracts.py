"""The import contracts of pyproject.toml hold, and each of them breaks when its violation is planted."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.repo import ROOT, Repo, plant

CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]

FEATURES = "src/casino_club/features"
PLANTED = [
    ("Layers: entry > features > infra > kernel", {"src/casino_club/infra/db/x.py": "import casino_club.entry.cli"}),
    ("Layers: entry > features > infra > kernel", {"src/casino_club/service/__init__.py": ""}),
    (
        "Slices: call down, publish up",
        {
            f"{FEATURES}/identity/public.py": "",
            f"{FEATURES}/actions/commands.py": "from casino_club.features.identity import public",
        },
    ),
    ("Slices: call down, publish up", {f"{FEATURES}/lottery/__init__.py": ""}),
    (
        "Slices meet only at public.py",
        {
            f"{FEATURES}/identity/commands.py": "from casino_club.features.actions import rules",
            f"{FEATURES}/actions/rules.py": "",
        },
    ),
    (
        "Inside a slice",
        {f"{FEATURES}/actions/store.py": "from . import commands", f"{FEATURES}/actions/commands.py": ""},
    ),
    ("Rules are pure", {f"{FEATURES}/actions/rules.py": "import casino_club.infra.ports"}),
    ("Rules are pure", {f"{FEATURES}/actions/events.py": "import pydantic"}),
    ("Rules are pure", {"src/casino_club/kernel/money.py": "import asyncpg"}),
    ("Client libraries live in backends", {f"{FEATURES}/actions/jobs.py": "import redis.asyncio"}),
    ("Client libraries live in backends", {"src/casino_club/entry/worker.py": "import celery"}),
    ("Client libraries live in backends", {f"{FEATURES}/actions/jobs.py": "import apscheduler.triggers"}),
    ("Only entry points open the runtime", {f"{FEATURES}/actions/jobs.py": "import casino_club.infra.runtime"}),
    ("Settings end where servers are opened", {f"{FEATURES}/actions/jobs.py": "import casino_club.infra.settings"}),
    (
        "Only entry points open the runtime",
        {"src/casino_club/infra/db/x.py": "import casino_club.infra.backends.embedded"},
    ),
    (
        "No cycles anywhere",
        {
            "src/casino_club/infra/backends/x.py": "import casino_club.infra.backends.y",
            "src/casino_club/infra/backends/y.py": "import casino_club.infra.backends.x",
        },
    ),
    (
        "Ways in share nothing",
        {"src/casino_club/entry/http.py": "import casino_club.entry.consumer", "src/casino_club/entry/consumer.py": ""},
    ),
    (
        "Named servers know nothing of private ones",
        {"src/casino_club/infra/backends/cluster/redis.py": "import casino_club.infra.backends.embedded"},
    ),
    ("Infra: each on what it needs", {"src/casino_club/infra/db/x.py": "import casino_club.infra.log"}),
    ("Infra: each on what it needs", {"src/casino_club/infra/http/x.py": "import casino_club.infra.log"}),
]


def lint(root: Path) -> str:
    """What lint-imports says about the tree below this root."""
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [linter, "--no-logo", "--no-cache"],
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout + ran.stderr


def broken(report: str) -> set[str]:
    return {name for name in CONTRACTS if re.search(rf"^{re.escape(name)}\s+BROKEN", report, re.MULTILINE)}


def hollow(root: Path, files: dict[str, str]) -> Path:
    """The same modules as here with nothing in them, and these files planted."""
    empty = {module.path: "" for module in Repo().under("src/")}
    packages = {f"{Path(path).parent.as_posix()}/__init__.py": "" for path in files}
    plant(root, empty | packages | files)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_checkout_keeps_every_contract() -> None:
    report = lint(ROOT)

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in report, report


def test_a_hollow_tree_keeps_every_contract(tmp_path: Path) -> None:
    report = lint(hollow(tmp_path, {}))

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in report, report


@pytest.mark.parametrize(("contract", "files"), PLANTED, ids=[name for name, _ in PLANTED])
def test_a_planted_import_breaks_its_contract(contract: str, files: dict[str, str], tmp_path: Path) -> None:
    report = lint(hollow(tmp_path, files))

    assert contract in broken(report), report


def test_every_contract_proves_itself() -> None:
    assert set(CONTRACTS) == {name for name, _ in PLANTED}
