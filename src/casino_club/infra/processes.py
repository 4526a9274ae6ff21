"""Who runs in a data folder: the lock that one supervisor holds, and what it says of its processes."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from casino_club.infra import leftovers
from casino_club.infra.machine import read_text
from casino_club.infra.ports import Unusable

State = Literal["starting", "ready", "restarting", "stopped"]
HEALTHY_AFTER = timedelta(seconds=30)
"""Whoever has run for so long is well."""
SHORT_LIVES_MAX = 2
"""So often may happen when servers are away; it is told from then on."""


class ProcessState(msgspec.Struct, frozen=True):
    """One process as its supervisor last saw it."""

    name: str
    state: State
    pid: int | None
    restarts: int
    since: datetime
    detail: str = ""
    """Why it is in this state, where there is something to say."""
    short_lives: int = 0
    """How often in a row it ended soon after its start."""

    @property
    def words(self) -> str:
        return f"{self.state} ({self.detail})" if self.detail else self.state

    def trouble(self, at: datetime) -> str | None:
        """What is wrong with it, if anything is. One that dies over and over seems well in between."""
        if self.state != "ready":
            return f"is {self.words}"
        if self.short_lives >= SHORT_LIVES_MAX and at - self.since < HEALTHY_AFTER:
            return f"has ended {self.short_lives} times in a row soon after its start"
        return None


@contextmanager
def only_supervisor(data_dir: Path) -> Iterator[None]:
    """Holds the data folder; the kernel lets go of it when this process ends, however it ends."""
    with (data_dir / "run" / "up.lock").open("a+") as file:
        if not _try_lock(file.fileno(), fcntl.LOCK_EX):
            file.seek(0)
            raise Unusable(
                f"casino-club up runs in {data_dir} already (pid {file.read().strip()}); "
                "stop that one with Ctrl-C, or choose another CASINO_CLUB_DATA_DIR."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_supervised(data_dir: Path) -> bool:
    """Whether a supervisor holds the data folder right now."""
    lock = data_dir / "run" / "up.lock"
    if not lock.exists():
        return False
    with lock.open() as file:
        return not _try_lock(file.fileno(), fcntl.LOCK_SH)


def _try_lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def processes(data_dir: Path) -> list[ProcessState]:
    """What runs here, in order of start. Nothing runs without its supervisor, whatever the file says."""
    text = read_text(data_dir / "run" / "processes.json")
    found = msgspec.json.decode(text, type=list[ProcessState]) if text else []
    if is_supervised(data_dir):
        return found
    return [msgspec.structs.replace(each, state="stopped", pid=None) for each in found]


def save_processes(data_dir: Path, states: Sequence[ProcessState]) -> None:
    """Replaces the file in one step. It is a view only, so it need not survive a power cut."""
    path = data_dir / "run" / "processes.json"
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(states)))
    draft.replace(path)


def tell_ready(name: str) -> None:
    """Called by a process that nobody can ask: it is at work now. Without a supervisor there is nobody to tell."""
    if data_dir := os.environ.get(leftovers.MARK):
        (Path(data_dir) / "run" / f"{name}.ready").write_text(str(os.getpid()))


def forget_ready(data_dir: Path, name: str) -> None:
    """Before it is started, so that it can be believed afterwards."""
    (data_dir / "run" / f"{name}.ready").unlink(missing_ok=True)


def has_told_ready(data_dir: Path, name: str) -> bool:
    return (data_dir / "run" / f"{name}.ready").exists()


def memory_bytes(pid: int) -> int | None:
    """Memory of a process and all that it started; what several share counts once. None where we may not look."""
    try:
        family = [psutil.Process(pid)]
        family += family[0].children(recursive=True)
        return sum(_share(process) for process in family)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _share(process: psutil.Process) -> int:
    """The proportional set size; where the system doesn't count it, the resident one."""
    found = process.memory_full_info()
    return int(getattr(found, "pss", found.rss))
