"""What `casino-club up` says when it can't start. Nothing is running when these end."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casino_club.infra import machine
from casino_club.infra.processes import ProcessState, only_supervisor, processes, save_processes
from tests.infra.supervised import make_folders


def up(data_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CASINO_CLUB_")}
    return subprocess.run(
        [sys.executable, "-m", "casino_club.entry.cli", "up"],
        env={**clean, "CASINO_CLUB_DATA_DIR": str(data_dir), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_each_bad_setting_is_one_line_and_its_value_is_not_shown(tmp_path: Path) -> None:
    done = up(tmp_path, CASINO_CLUB_PORT="99999", CASINO_CLUB_TOKEN_SECRET="short-secret")

    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["CASINO_CLUB_PORT", "CASINO_CLUB_TOKEN_SECRET"]
    assert "short-secret" not in done.stderr


def test_cluster_mode_without_servers_names_the_variables(tmp_path: Path) -> None:
    done = up(tmp_path, CASINO_CLUB_MODE="cluster")

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_URL", "TOKEN_SECRET", "VAULT_SECRET"):
        assert f"CASINO_CLUB_{name}" in done.stderr


def test_a_folder_that_cannot_be_one_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert_one_line(up(tmp_path / "file" / "data"), "can't be written", "CASINO_CLUB_DATA_DIR")


@pytest.mark.skipif(machine.is_root(), reason="root may write anywhere")
def test_a_folder_closed_to_writing_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert_one_line(up(tmp_path / "data"), "can't be written", "CASINO_CLUB_DATA_DIR")


def test_too_little_disk_is_one_line(tmp_path: Path) -> None:
    done = up(tmp_path, CASINO_CLUB_DISK_FREE_MB_MIN="999999999999")

    assert_one_line(done, "MB free", "CASINO_CLUB_DISK_FREE_MB_MIN")


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_is_taken_is_one_line(tmp_path: Path, shared: bool) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = up(tmp_path, CASINO_CLUB_PORT=str(taken.getsockname()[1]))

    assert_one_line(done, "can't be used", "CASINO_CLUB_PORT")


def test_a_second_up_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    data_dir = make_folders(tmp_path / "data")
    with only_supervisor(data_dir):
        done = up(data_dir)

    assert_one_line(done, f"pid {os.getpid()}", "Ctrl-C")


def test_what_a_killed_supervisor_said_last_is_forgotten(tmp_path: Path) -> None:
    data_dir = make_folders(tmp_path / "data")
    save_processes(data_dir, [ProcessState("api", "ready", os.getpid(), 0, datetime.now(UTC))])

    up(data_dir, CASINO_CLUB_DISK_FREE_MB_MIN="999999999999")

    with only_supervisor(data_dir):
        assert processes(data_dir) == []


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert done.stdout == ""
