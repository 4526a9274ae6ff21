"""Tests' servers lie in memory where there is some, and leave nothing in it."""

import os
from pathlib import Path

from tests.builders.servers import IN_MEMORY, memory_folder

NOBODYS_PID = 2**22 + 1
"""More than Linux gives."""


def test_a_folder_in_memory_is_open_to_servers_and_goes_after_use(tmp_path: Path) -> None:
    with memory_folder(tmp_path / "disk", tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o755

    assert not folder.exists()


def test_without_memory_there_is_the_disk(tmp_path: Path) -> None:
    with memory_folder(tmp_path, tmp_path / "none") as folder:
        assert folder == tmp_path


def test_what_killed_tests_left_goes_and_what_others_use_stays(tmp_path: Path) -> None:
    left, used = tmp_path / f"{IN_MEMORY}-{NOBODYS_PID}-x", tmp_path / f"{IN_MEMORY}-{os.getpid()}-x"
    left.mkdir()
    used.mkdir()

    with memory_folder(tmp_path / "disk", tmp_path):
        assert not left.exists()
        assert used.exists()
