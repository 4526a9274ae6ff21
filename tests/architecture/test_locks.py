"""The locks hold what pyproject.toml asks for, each package once, with hashes, and say nothing about where from."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repo import ROOT

NODE_LOCKS = sorted(path for path in ROOT.glob("*/**/package-lock.json") if "node_modules" not in path.parts)
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(text: str) -> dict[str, str]:
    """Each package of a lock with its version."""
    pins = re.findall(r"^([\w.-]+)==([\w.+!-]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def missing(requirements: list[str], lock: dict[str, str]) -> list[str]:
    """Requirements that the lock doesn't fulfil."""
    return [text for text in requirements if not _is_met(Requirement(text), lock)]


def _is_met(wanted: Requirement, lock: dict[str, str]) -> bool:
    version = lock.get(canonicalize_name(wanted.name))
    return version is not None and wanted.specifier.contains(version)


def unhashed(text: str) -> list[str]:
    """Packages of a lock that could be exchanged unnoticed."""
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    return [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_the_locks_hold_what_the_project_asks_for() -> None:
    runtime, dev = (locked((ROOT / name).read_text()) for name in LOCKS)
    needed = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]

    assert missing(needed, runtime) == []
    assert missing(needed + PROJECT["project"]["optional-dependencies"]["dev"], dev) == []
    assert {name: dev.get(name) for name in runtime} == runtime


def test_what_builds_the_project_is_locked_by_the_same_words() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_only_packages(name: str) -> None:
    text = (ROOT / name).read_text()

    assert unhashed(text) == []
    assert [line for line in text.splitlines() if not re.match(r"[\w.-]+==|\s+(--hash=sha256:|#)|#", line)] == []
    assert "://" not in text


def loose(lock: dict[str, Any]) -> list[str]:
    """Packages of a lock for Node that could be exchanged unnoticed, or that say where from they are."""
    packages = {name: package for name, package in lock["packages"].items() if name}
    return [name for name, package in packages.items() if "resolved" in package or "integrity" not in package]


@pytest.mark.parametrize("path", NODE_LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_for_node_has_hashes_and_no_places(path: Path) -> None:
    assert loose(json.loads(path.read_text())) == []


def test_a_package_for_node_without_a_hash_or_with_a_place_is_noticed() -> None:
    packages = {"": {}, "a": {"integrity": "x"}, "b": {}, "c": {"integrity": "x", "resolved": "y"}}

    assert loose({"packages": packages}) == ["b", "c"]


def test_what_is_missing_too_old_or_without_a_hash_is_noticed() -> None:
    text = "one==1.0 \\\n    --hash=sha256:00\ntwo==2.0 ; sys_platform == 'win32'\n"

    assert missing(["One>=1", "two>=3", "three"], locked(text)) == ["two>=3", "three"]
    assert unhashed(text) == ["two==2.0"]
