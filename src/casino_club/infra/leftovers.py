"""Finds and ends processes that an earlier, killed supervisor left behind. Knows them by what they are, not by pid."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from casino_club.infra.ports import Unusable

MARK = "CASINO_CLUB_SUPERVISED_IN"
KILLED_SECONDS_MAX = 5.0

Claim = Callable[[psutil.Process], bool]


def of_program(program: str, folder: Path) -> Claim:
    """A server's processes: they make their data folder their working folder."""
    wanted = str(folder.resolve())
    return lambda process: process.name() == program and process.cwd() == wanted


def of_module(module: str, folder: Path) -> Claim:
    """A module of ours that was started on this folder."""
    return lambda process: module in (words := process.cmdline()) and str(folder) in words


def of_ourselves(data_dir: Path) -> Claim:
    """Our own processes and what they started: the supervisor marks their environment."""
    return lambda process: process.environ().get(MARK) == str(data_dir)


def running(is_ours: Claim) -> list[psutil.Process]:
    """All processes that are ours, this one left out."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _holds(is_ours, process)]


def end(is_ours: Claim, stop_signals: Sequence[tuple[int, float]]) -> None:
    """Asks politely, then less so; returns when none is left, so that a new server may open the folder."""
    for number, seconds in stop_signals:
        found = running(is_ours)
        for process in _eldest(found):
            send(process.pid, number)
        psutil.wait_procs(found, timeout=seconds)
    found = running(is_ours)
    for process in found:
        send(process.pid, signal.SIGKILL)
    psutil.wait_procs(found, timeout=KILLED_SECONDS_MAX)
    if found := running(is_ours):
        raise Unusable(f"Process {found[0].pid} of an earlier run can't be stopped; stop it, then try again.")


def send(pid: int, number: int) -> None:
    """A signal to a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _holds(is_ours: Claim, process: psutil.Process) -> bool:
    """What has ended or belongs to somebody else is not ours."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and is_ours(process)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _eldest(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The servers themselves without the workers they started, who follow them."""
    pids = {process.pid for process in processes}
    return [process for process in processes if _parent(process) not in pids]


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return None
