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


ENGINE = """import sys, time
from chdb import session
engine = session.Session(sys.argv[-1])
engine.query('CREATE DATABASE kept ENGINE = Atomic')
engine.query('CREATE TABLE kept.rows (a Int64) ENGINE = MergeTree ORDER BY a')
for _ in sys.stdin:
    began = time.monotonic()
    engine.query('INSERT INTO kept.rows VALUES (1)')
    took = time.monotonic() - began
    print(str(engine.query('SELECT toUnixTimestamp(now())')).strip(), took, flush=True)"""
WAIT = """import ctypes, sys, time
libc, semaphore = ctypes.CDLL(None), ctypes.create_string_buffer(64)
libc.sem_init(semaphore, 0, 0)
for _ in sys.stdin:
    began, until = time.monotonic(), time.time() + 0.2
    libc.sem_timedwait(semaphore, (ctypes.c_long * 2)(int(until), int(until % 1 * 1e9)))
    print(time.monotonic() - began, flush=True)"""
JAVA = """import java.nio.*; import java.nio.channels.*; import java.nio.file.*;
class Keep { public static void main(String[] words) throws Exception {
    FileChannel file = FileChannel.open(Path.of(words[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    while (System.in.read() >= 0) {
        long began = System.nanoTime();
        file.write(ByteBuffer.allocate(1));
        file.force(true);
        if (System.in.read() >= 0) System.out.println((System.nanoTime() - began) / 1e9 + " "
            + System.currentTimeMillis() / 1e3);
    } } }"""


@contextmanager
def asked(environment: Mapping[str, str], code: str, *words: str) -> Iterator[Asked]:
    with called(environment, sys.executable, "-c", code, *words) as answers:
        yield answers


@contextmanager
def called(environment: Mapping[str, str], *argv: str) -> Iterator[Asked]:
    given = {**os.environ, **environment}
    with subprocess.Popen(argv, env=given, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        yield Asked(child)
        assert child.stdin is not None
        child.stdin.close()


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_a_clock_jumps_for_one_program_while_it_runs_and_time_goes_on(tmp_path: Path, hours: int) -> None:
    clocks = Clocks(tmp_path, ("serve", "worker", "relay"))
    with asked(clocks.environment, CLOCK, "serve") as moved, asked(clocks.environment, CLOCK, "worker") as other:
        before = moved.numbers()

        clocks.jump("serve", timedelta(hours=hours))

        after, elsewhere = moved.numbers(), other.numbers()
        clocks.jump("serve", timedelta())
        back = moved.numbers()
        assert clocks.has("serve")
        assert not clocks.has("relay")
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
def test_virtual_machines_of_java_are_told_apart_by_a_path_and_have_their_own_clocks_and_disks(tmp_path: Path) -> None:
    kept = [tmp_path / name / "kept" for name in ("one", "two")]
    for path in kept:
        path.parent.mkdir()
    programs = ("two/kept",)
    clocks, slow = Clocks(tmp_path, programs), SlowDisks(tmp_path, programs)
    code = tmp_path / "Keep.java"
    code.write_text(JAVA)
    given = shims.together(clocks.environment, slow.environment)
    with (
        called(given, "java", str(code), str(kept[0])) as other,
        called(given, "java", str(code), str(kept[1])) as ours,
    ):
        clocks.jump("two/kept", timedelta(days=-1))
        slow.slow("two/kept", timedelta(seconds=0.25))

        (took, at), (elsewhere, right) = ours.numbers(), other.numbers()

    assert at == pytest.approx(time.time() - 86_400, abs=60)
    assert right == pytest.approx(time.time(), abs=60)
    assert took >= 0.5 > elsewhere


def test_the_warehouses_engine_is_told_the_moved_time_and_waits_for_a_slow_disk(tmp_path: Path) -> None:
    programs = ("engine",)
    clocks, slow = Clocks(tmp_path, programs), SlowDisks(tmp_path, programs)
    given = shims.together(clocks.environment, slow.environment)
    with asked(given, ENGINE, "engine", str(tmp_path / "data")) as engine:
        before = engine.numbers()
        clocks.jump("engine", timedelta(days=1))
        slow.slow("engine", timedelta(seconds=0.1))

        moved = engine.numbers()

        clocks.jump("engine", timedelta())
        slow.slow("engine", timedelta())
        after = engine.numbers()
    assert before[0] == pytest.approx(time.time(), abs=30)
    assert moved[0] == pytest.approx(time.time() + 86_400, abs=30)
    assert after[0] == pytest.approx(time.time(), abs=30)
    assert moved[1] >= 0.5 > max(before[1], after[1])


@pytest.mark.parametrize("days", [1, -1])
def test_who_waits_until_an_instant_of_a_moved_clock_waits_no_longer_for_it(tmp_path: Path, days: int) -> None:
    clocks = Clocks(tmp_path, ("serve",))
    with asked(clocks.environment, WAIT, "serve") as waiting:
        clocks.jump("serve", timedelta(days=days))

        [waited] = waiting.numbers()

    assert 0.2 <= waited < 10


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
