"""How long `casino-club up` takes to its first answer, fresh and again, how long to end, and what it holds at rest.

Memory is the sum of proportional set sizes of all its processes: what they share is counted once. Linux only.
"""

import argparse
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench._lab import free_port
from tests.builders.servers import forget

GIGABYTE = 1024**3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rest-seconds", type=float, default=60.0, help="idle time before memory is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            _report("start on an empty folder", _run(folder, rest_seconds=0)[0], "s", None)
            starts = [_run(folder, rest_seconds=0) for _ in range(3)]
            _report("warm start to the first answer, slowest of 3", max(start for start, _, _ in starts), "s", 5)
            _report("end after Ctrl-C, slowest of 3", max(stop for _, stop, _ in starts), "s", 10)
            _, _, held = _run(folder, rest_seconds=options.rest_seconds)
            for name, size in held.items():
                print(f"    {name}: {size / 1024**2:.0f} MB")
            _report(f"memory after {options.rest_seconds:g} s at rest", sum(held.values()) / GIGABYTE, "GB", 1)
        finally:
            forget(Path(folder))


def _run(folder: str, *, rest_seconds: float) -> tuple[float, float, dict[str, int]]:
    """Seconds to the first answer, seconds to the end, bytes held by each process."""
    port = free_port()
    environment = {**os.environ, "CASINO_CLUB_DATA_DIR": folder, "CASINO_CLUB_PORT": str(port)}
    argv = [sys.executable, "-m", "casino_club.entry.cli", "up"]
    began = time.perf_counter()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, start_new_session=True) as up:
        _wait_for_answer(port)
        started = time.perf_counter() - began
        time.sleep(rest_seconds)
        held = _held(psutil.Process(up.pid))
        began = time.perf_counter()
        os.killpg(up.pid, signal.SIGINT)
        up.wait(20)
        return started, time.perf_counter() - began, held


def _wait_for_answer(port: int) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.01)
    raise SystemExit("`casino-club up` did not start.")


def _held(up: psutil.Process) -> dict[str, int]:
    """Proportional set sizes by what a process is for."""
    held: dict[str, int] = {}
    for process in (up, *up.children(recursive=True)):
        words = process.cmdline()
        name = words[-1] if "casino_club.entry.cli" in words else Path(words[0]).name.split(":")[0]
        held[name] = held.get(name, 0) + process.memory_full_info().pss
    return held


def _report(name: str, figure: float, unit: str, limit: float | None) -> None:
    judged = "" if limit is None else f" (target < {limit:g} {unit}: {'met' if figure < limit else 'MISSED'})"
    print(f"{name}: {figure:.2f} {unit}{judged}", flush=True)


if __name__ == "__main__":
    main()
