"""Starts processes, and starts those that have died again at once, as a machine's service manager does."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from casino_club.infra import children
from casino_club.infra.server_process import ServerProcess

LOOK_SECONDS = 0.05
READY_SECONDS_MAX = 60.0


class Keeper:
    """The processes of one machine, by name."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._processes: dict[str, ServerProcess] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._held: set[str] = set()

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator["Keeper"]:
        """Whoever dies inside is started again; afterwards nobody is left."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield self
            if keeping.done():
                keeping.result()
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            for name in list(self._processes)[::-1]:
                await self.end(name)

    async def start(self, process: ServerProcess) -> None:
        """Start it and wait until it is ready."""
        await self._spawn(process)
        self._processes[process.name] = process
        async with asyncio.timeout(READY_SECONDS_MAX):
            while not await process.is_ready():  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(LOOK_SECONDS)

    async def end(self, name: str) -> None:
        """Ask it to end, then make it."""
        process, child = self._processes.pop(name), self._children.pop(name)
        for number, seconds in (*process.stop_signals, (signal.SIGKILL, 10.0)):
            child.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(child.wait, seconds)
                break
        process.clean()

    def kill(self, name: str) -> None:
        """End it as a power cut would."""
        os.kill(self._children[name].pid, signal.SIGKILL)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """Should it die inside, it stays away until the end."""
        self._held.add(name)
        try:
            yield
        finally:
            self._held.discard(name)

    async def _keep(self) -> None:
        while True:
            for name, process in list(self._processes.items()):
                if name not in self._held and self._children[name].poll() is not None:
                    await self._spawn(process)
            await asyncio.sleep(LOOK_SECONDS)

    async def _spawn(self, process: ServerProcess) -> None:
        await asyncio.to_thread(process.prepare)
        self._children[process.name] = children.spawn(process, self._logs / f"{process.name}.log")
