"""Starts one child and keeps its log small."""

import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from casino_club.infra.server_process import ServerProcess

LOG_BYTES_MAX = 8 * 1024 * 1024
PR_SET_PDEATHSIG = 1


def spawn(process: ServerProcess, log: Path, *, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Starts it in a process group of its own, so that Ctrl-C reaches only us, and so that it ends with us."""
    assert threading.current_thread() is threading.main_thread(), "a child would end with the thread that started it"
    account = process.as_user
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - programs and arguments are ours
            [*process.command(), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=process.working_dir,
            env=process.environment,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            process_group=0,
            preexec_fn=_ends_with_parent(process.stop_signals[0][0]),  # noqa: PLW1509 - one system call, no lock
        )


def _ends_with_parent(number: int) -> Callable[[], None] | None:
    """Linux signals a child whose supervisor was killed; elsewhere the next start deals with leftovers."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def end_group(pid: int, number: int) -> None:
    """A signal to a child and to all that it started in its group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def bound_log(log: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Keeps one older part. Children append, so that emptying the file under them loses a few lines at most."""
    if log.exists() and log.stat().st_size > bytes_max:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def last_lines(log: Path, count: int = 10) -> list[str]:
    """The end of a log, for people."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return file.read().decode(errors="replace").splitlines()[-count:]
