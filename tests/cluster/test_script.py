"""`deploy/kafka/kafka` as people use it: starts one broker or three, says how they are, mends what was killed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.kafka import SCRIPT, Brokers, running_brokers, script


def status(folder: Path) -> tuple[int, list[str]]:
    done = script("status", "--dir", str(folder), check=False)
    return done.returncode, [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("node")]


def test_of_three_brokers_a_killed_one_is_seen_and_started_again_with_what_it_kept(tmp_path: Path) -> None:
    with running_brokers(tmp_path, 3) as brokers:
        assert len(brokers.url.split(",")) == 3
        assert status(tmp_path) == (0, ["answers"] * 3)

        brokers.kill(2)
        assert status(tmp_path) == (1, ["answers", "stopped", "answers"])

        brokers.start_again()
        assert status(tmp_path) == (0, ["answers"] * 3)

        script("stop", "--dir", str(tmp_path))
        assert status(tmp_path) == (1, ["stopped"] * 3)


def test_starting_what_runs_changes_nothing(brokers: Brokers) -> None:
    before = brokers.pid(1)

    brokers.start_again()

    assert brokers.pid(1) == before


def test_a_folder_without_brokers_is_one_line(tmp_path: Path) -> None:
    done = script("stop", "--dir", str(tmp_path), check=False)

    assert done.returncode == 1
    assert done.stderr.strip() == f"There is no Kafka in {tmp_path}; `kafka start` makes one."


@pytest.mark.parametrize(("there", "missing"), [((), "Java"), (("java",), "Maven")])
def test_what_is_missing_on_the_machine_is_one_line(tmp_path: Path, there: tuple[str, ...], missing: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in there:
        (programs / name).symlink_to(shutil.which(name) or name)
    command = [sys.executable, str(SCRIPT), "start", "--dir", str(tmp_path / "k"), "--jars", str(tmp_path / "jars")]

    done = subprocess.run(
        command, env={**os.environ, "PATH": str(programs)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"{missing} is missing; install")
    assert len(done.stderr.splitlines()) == 1
