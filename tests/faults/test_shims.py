"""Clocks jump and disks are slow for whom they should, at once, and for nobody else; small disks are full."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import disks, shims
from tests.faults.clocks import Clocks
from tests.faults.disks import SlowDisks, fill, small_disk

CLOCK = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
DISK = """import os, sys, time
with open(sys.argv[-1], 'wb') as file:
    for _ in sys.stdin:
        began = time.monotonic()
        os.write(file.fileno(), b'x')
        os.fsync(file.fileno())
        print(time.monotonic() - began, flush=True)"""


@pytest.fixture(autouse=True)
def compiler() -> None:
    if reason := shims.why_not():
        pytest.skip(reason)


class Asked:
    """A program that answers each question with numbers."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def numbers(self) -> list[float]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("?\n")
        self._child.stdin.flush()
        return [float(word) for word in self._child.stdout.readline().split()]


@contextmanager
def asked(environment: Mapping[str, str], code: str, *words: str) -> Iterator[Asked]:
    argv, given = [sys.executable, "-c", code, *words], {**os.environ, **environment}
    with subprocess.Popen(argv, env=given, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        yield Asked(child)
        assert child.stdin is not None
        child.stdin.close()


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_a_clock_jumps_for_one_program_while_it_runs_and_time_goes_on(tmp_path: Path, hours: int) -> None:
    clocks = Clocks(tmp_path, ("serve", "worker"))
    with asked(clocks.environment, CLOCK, "serve") as moved, asked(clocks.environment, CLOCK, "worker") as other:
        before = moved.numbers()

        clocks.jump("serve", timedelta(hours=hours))

        after, elsewhere = moved.numbers(), other.numbers()
        clocks.jump("serve", timedelta())
        back = moved.numbers()
    assert after[0] - before[0] == pytest.approx(hours * 3_600, abs=5)
    assert 0 < after[1] - before[1] < 5
    assert elsewhere[0] == pytest.approx(time.time(), abs=5)
    assert back[0] == pytest.approx(time.time(), abs=5)


def test_children_of_a_program_share_its_clock(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path, ("serve",))
    code = "import os, time\nif os.fork():\n    os.wait()\nelse:\n    print(time.time(), flush=True)"
    clocks.jump("serve", timedelta(hours=-1, microseconds=1))

    done = subprocess.run(
        [sys.executable, "-c", code, "serve"],
        env={**os.environ, **clocks.environment},
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(done.stdout) == pytest.approx(time.time() - 3_600, abs=10)


@pytest.mark.skipif(not shutil.which("java"), reason="there is no java")
def test_a_virtual_machine_of_java_is_told_the_moved_time(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path)
    clocks.jump("java", timedelta(days=-1))
    path = tmp_path / "Now.java"
    path.write_text(
        "class Now { public static void main(String[] a) { System.out.print(System.currentTimeMillis()); } }"
    )

    done = subprocess.run(
        ["java", str(path)], env={**os.environ, **clocks.environment}, capture_output=True, text=True, check=True
    )

    assert float(done.stdout) / 1_000 == pytest.approx(time.time() - 86_400, abs=60)


def test_a_disk_is_slow_for_one_program_while_it_runs(tmp_path: Path) -> None:
    slow = SlowDisks(tmp_path, ("postgres", "valkey-server"))
    with (
        asked(slow.environment, DISK, "postgres", str(tmp_path / "one")) as slowed,
        asked(slow.environment, DISK, "valkey-server", str(tmp_path / "two")) as other,
    ):
        slow.slow("postgres", timedelta(seconds=0.25))

        took, elsewhere = slowed.numbers(), other.numbers()
        slow.slow("postgres", timedelta())
        after = slowed.numbers()
    assert took[0] >= 0.5 > max(elsewhere[0], after[0])


def test_a_small_disk_is_full_when_it_is_filled_and_takes_more_when_that_is_gone() -> None:
    if reason := disks.why_no_small_disk():
        pytest.skip(reason)
    with small_disk(8) as folder:
        ballast = fill(folder, but_mb=1)
        (folder / "fits").write_bytes(b"x" * 900_000)

        with pytest.raises(OSError, match="No space") as full:
            (folder / "more").write_bytes(b"x" * 900_000)

        ballast.unlink()
        (folder / "more").write_bytes(b"x" * 900_000)
    assert full.value.errno == errno.ENOSPC
    assert not folder.exists()
