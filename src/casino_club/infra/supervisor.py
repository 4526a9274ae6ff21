"""Keeps processes running: each ready before the next, restarted when it dies, all ended in reverse order.

A process that is needed, was never ready and can't be started ends them all; any other is started again and again.
"""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from casino_club.infra import children
from casino_club.infra.ports import Unusable
from casino_club.infra.processes import HEALTHY_AFTER, ProcessState, State, save_processes
from casino_club.infra.server_process import ServerProcess

STOP_SECONDS_MAX = 10.0
KILL_SECONDS = 0.5
BACKOFF_SECONDS_MIN = 0.2
BACKOFF_SECONDS_MAX = 5.0
NEVER_READY_BACKOFF_SECONDS_MAX = 60.0
NOT_NEEDED_SECONDS_MAX = 10.0
"""Nobody waits longer for the first start of what is not needed."""
FAILED_STARTS_MAX = 5
FAILED_STARTS_SECONDS = 30.0
READY_POLL_SECONDS_MIN = 0.02
READY_POLL_SECONDS_MAX = 0.25
LOOK_SECONDS = 1.0
SLOW_SECONDS = 10

Report = Callable[[ProcessState, str], None]


class CannotStart(Exception):
    """A process that ends again and again before it is ready."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"{name} ended {FAILED_STARTS_MAX} times before it was ready; the end of {log}:")
        self.log = log


@dataclass(slots=True)
class _Child:
    process: ServerProcess
    log: Path
    state: State = "starting"
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    detail: str = ""
    restarts: int = 0
    short_lives: int = 0
    preparing: asyncio.Task[None] | None = None
    popen: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    backoff: float = BACKOFF_SECONDS_MIN
    failed_starts: list[float] = field(default_factory=list)
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    has_been_ready: asyncio.Event = field(default_factory=asyncio.Event)
    may_be_passed: asyncio.Event = field(default_factory=asyncio.Event)
    """It is ready, or was started once without luck and is not needed."""

    @property
    def seen(self) -> ProcessState:
        pid = self.popen.pid if self.popen and not self.exited.is_set() else None
        return ProcessState(
            self.process.name, self.state, pid, self.restarts, self.since, self.detail, self.short_lives
        )

    @property
    def is_decisive(self) -> bool:
        """Whether everything ends if it can't be started."""
        return self.process.is_needed and not self.has_been_ready.is_set()

    @property
    def backoff_seconds_max(self) -> float:
        """What has never worked is not likely to do so in a few seconds."""
        is_hopeful = self.process.is_needed or self.has_been_ready.is_set()
        return BACKOFF_SECONDS_MAX if is_hopeful else NEVER_READY_BACKOFF_SECONDS_MAX


class Supervisor:
    """Lives in the main thread's loop, because children end with the thread that started them."""

    def __init__(self, data_dir: Path, report: Report, *, stop_seconds_max: float = STOP_SECONDS_MAX) -> None:
        self._data_dir = data_dir
        self._report = report
        self._stop_seconds_max = stop_seconds_max
        self._children: list[_Child] = []
        self._is_saved = True
        self._group: asyncio.TaskGroup | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Supervisor"]:
        """Start processes inside; one that is needed and can't be ends the block, and leaving it ends them all."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._look)
        try:
            async with asyncio.TaskGroup() as self._group:
                self._tasks.append(self._group.create_task(self._watch()))
                yield self
                for task in self._tasks:
                    task.cancel()
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            await self._stop_all()

    async def start(self, process: ServerProcess) -> None:
        """Returns once it is ready, or will not be soon and is not needed; it is kept running from now on."""
        assert self._group is not None
        child = _Child(process, self._data_dir / "logs" / f"{process.name}.log")
        self._children.append(child)
        self._tasks.append(self._group.create_task(self._keep(child)))
        await _wait(child.may_be_passed, None if process.is_needed else NOT_NEEDED_SECONDS_MAX)

    async def _keep(self, child: _Child) -> None:
        while True:
            try:
                await self._launch(child)
            except (OSError, Unusable) as fault:
                if child.is_decisive:
                    raise
                await self._rest(child, str(fault))  # What it had once may come back by itself, such as room on a disk.
                continue
            if await self._becomes_ready(child):
                self._set(child, "ready", f"in {time.monotonic() - child.born:.2f} s")
                child.has_been_ready.set()
                child.may_be_passed.set()
                await child.exited.wait()
            elif child.is_decisive:
                self._count_failed_start(child)
            assert child.popen is not None
            await self._rest(child, _ending(child.popen.returncode))

    async def _launch(self, child: _Child) -> None:
        child.born = time.monotonic()
        self._set(child, "starting", "")
        child.preparing = asyncio.create_task(asyncio.to_thread(child.process.prepare))
        await asyncio.shield(child.preparing)
        child.exited.clear()
        child.popen = children.spawn(child.process, child.log)
        self._look()
        self._save()

    async def _becomes_ready(self, child: _Child) -> bool:
        """False if it ended first. There is no time limit: recovering after a crash may take long."""
        exiting = asyncio.create_task(child.exited.wait())
        asking = asyncio.create_task(_until_ready(child.process))
        try:
            await asyncio.wait((exiting, asking), return_when=asyncio.FIRST_COMPLETED)
            return not child.exited.is_set() and asking.result()
        finally:
            exiting.cancel()
            asking.cancel()

    def _count_failed_start(self, child: _Child) -> None:
        child.failed_starts.append(time.monotonic())
        recent = child.failed_starts[-FAILED_STARTS_MAX:]
        if len(recent) == FAILED_STARTS_MAX and recent[-1] - recent[0] <= FAILED_STARTS_SECONDS:
            raise CannotStart(child.process.name, child.log)

    async def _rest(self, child: _Child, why: str) -> None:
        """What it started in its group goes with it, before it is started again."""
        if child.popen is not None:
            children.end_group(child.popen.pid, signal.SIGKILL)
        child.short_lives += 1
        if time.monotonic() - child.born >= HEALTHY_AFTER.total_seconds():
            child.backoff, child.short_lives = BACKOFF_SECONDS_MIN, 0
        child.restarts += 1
        self._set(child, "restarting", f"{why.removesuffix('.')}; again in {child.backoff:.1f} s")
        if not child.process.is_needed:
            child.may_be_passed.set()
        await asyncio.sleep(child.backoff)
        child.backoff = min(child.backoff * 2, child.backoff_seconds_max)

    async def _watch(self) -> None:
        """Bounds the logs, and looks for ended children in case a signal was missed."""
        while True:
            for child in self._children:
                with contextlib.suppress(OSError):  # A full disk has no room for the older part; it is cut later.
                    children.bound_log(child.log)
                self._mention_if_slow(child)
            self._look()
            if not self._is_saved:
                self._save()
            await asyncio.sleep(LOOK_SECONDS)

    def _mention_if_slow(self, child: _Child) -> None:
        seconds = round((datetime.now(UTC) - child.since).total_seconds())
        if child.state == "starting" and seconds and seconds % SLOW_SECONDS == 0:
            self._report(child.seen, f"for {seconds} s already; it writes to {child.log}")

    def _look(self) -> None:
        for child in self._children:
            if child.popen and child.popen.poll() is not None:
                child.exited.set()

    async def _stop_all(self) -> None:
        """Whoever is slow is killed early enough for those that end after it."""
        deadline = time.monotonic() + self._stop_seconds_max
        for left, child in reversed(list(enumerate(self._children))):
            await self._stop(child, until=deadline - KILL_SECONDS * (left + 1))

    async def _stop(self, child: _Child, *, until: float) -> None:
        asked = time.monotonic()
        if child.preparing:
            await asyncio.wait((child.preparing,), timeout=max(until - asked, 0))
        if child.popen and not child.exited.is_set():
            await self._ask_to_end(child, child.popen, until)
        detail = f"in {time.monotonic() - asked:.2f} s"
        if child.popen:
            detail += "" if child.exited.is_set() else ", killed"
            children.end_group(child.popen.pid, signal.SIGKILL)
            await _wait(child.exited, KILL_SECONDS)
        try:
            await asyncio.to_thread(child.process.clean)
        except (Unusable, OSError) as error:
            detail += f"; {error}"
        self._set(child, "stopped", detail)

    async def _ask_to_end(self, child: _Child, popen: subprocess.Popen[bytes], until: float) -> None:
        for number, seconds in child.process.stop_signals:
            popen.send_signal(number)
            await _wait(child.exited, min(seconds, until - time.monotonic()))
            if child.exited.is_set():
                return

    def _set(self, child: _Child, state: State, detail: str) -> None:
        child.state, child.since, child.detail = state, datetime.now(UTC), detail
        self._save()
        self._report(child.seen, detail)

    def _save(self) -> None:
        """On a full disk the view stays as it is until there is room: no reason to end what runs."""
        try:
            save_processes(self._data_dir, [child.seen for child in self._children])
        except OSError:
            self._is_saved = False
        else:
            self._is_saved = True


async def _until_ready(process: ServerProcess) -> bool:
    pause = READY_POLL_SECONDS_MIN
    while not await process.is_ready():
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, READY_POLL_SECONDS_MAX)
    return True


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), None if seconds is None else max(seconds, 0))


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def stop_on_signals() -> Callable[[], bool]:
    """Ctrl-C and the like cancel the calling task, once; the answer says whether they did."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asked: list[int] = []

    def stop(number: int) -> None:
        if not asked:
            task.cancel()
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means it.
            loop.add_signal_handler(number, stop, number)
    return lambda: bool(asked)
