"""`casino-club up`, started as people start it, on a folder and a port of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from casino_club.infra import leftovers, places, runtime
from casino_club.infra.db.database import SERVER_AWAY
from casino_club.infra.http import service_keys
from casino_club.infra.ports import Unusable
from casino_club.infra.processes import ProcessState, processes
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import Scope
from tests.builders.servers import forget
from tests.infra.waiting import until

ROOT = Path(__file__).parents[2]
EXPECTED = {"postgresql", "redis", "consumer", "api", "worker", "scheduler"}
NOTHING: Mapping[str, str] = {}
READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0


class Stage:
    """One data folder and whoever runs in it."""

    def __init__(self, folder: Path, *, is_armed: bool = False, given: Mapping[str, str] = NOTHING) -> None:
        """`given` is what processes find in their environment besides; libraries in it are loaded by all of them."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.data_dir, self._given = folder, folder / "data", given
        self.port = free_port()
        self.settings = Settings.model_validate({"mode": "embedded", "data_dir": self.data_dir})
        harness = "tests.faults.shimmed" if "LD_PRELOAD" in given else "casino_club.entry.cli"
        self._module = "tests.faults.armed" if is_armed else harness
        self._up: subprocess.Popen[bytes] | None = None
        self._before: set[int | None] = set()

    def start(self) -> None:
        self._before = {state.pid for state in self.running().values()}
        with (self.folder / "up.log").open("ab") as output:
            self._up = subprocess.Popen(
                [sys.executable, "-m", self._module, "up"],
                cwd=ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CASINO_CLUB_")}
        own = {"CASINO_CLUB_DATA_DIR": str(self.data_dir), "CASINO_CLUB_PORT": str(self.port)}
        return {**clean, **own, **self._given}

    async def command(self, *words: str) -> None:
        """Another command of `casino-club`, beside `up`."""
        called = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "casino_club.entry.cli", *words),
            cwd=ROOT,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await called.communicate()
        assert called.returncode == 0, f"{words} ended with status {called.returncode}: {said.decode()}"

    async def ready(self, *names: str) -> None:
        """Waits until these processes, or all of them, are as they should be; fails if `up` has ended."""
        wanted = set(names) or EXPECTED
        await until(lambda: wanted <= self._ready_names(), seconds_max=READY_SECONDS_MAX)

    def _ready_names(self) -> set[str]:
        assert self._up is not None
        assert self._up.poll() is None, f"`up` ended with status {self._up.returncode}:\n{self.said()}"
        found = self.running().items()  # Until a new supervisor speaks, this is what the one before it said.
        return {name for name, state in found if state.state == "ready" and state.pid not in self._before | {None}}

    def running(self) -> dict[str, ProcessState]:
        return {each.name: each for each in processes(self.data_dir)}

    def said(self) -> str:
        return "\n".join((self.folder / "up.log").read_text().splitlines()[-15:])

    def kill(self) -> None:
        """Ends the supervisor as a power cut would."""
        assert self._up is not None
        self._up.kill()
        self._up.wait()

    def stop(self) -> None:
        """Ends everything as Ctrl-C does, and checks that nothing is left."""
        assert self._up is not None
        self._up.send_signal(signal.SIGINT)
        status = self._up.wait(STOP_SECONDS_MAX)
        assert status == 0, f"`up` ended with status {status}:\n{self.said()}"
        left = self.pids()
        assert not any(left.values()), f"still running after the stop: {left}"

    def pids(self) -> dict[str, set[int]]:
        """Every process that belongs to this folder, found by what it is."""
        cluster = places.data_place(self.data_dir, "postgresql") or self.data_dir
        claims = {
            "ours": leftovers.of_ourselves(self.data_dir),
            "postgresql": leftovers.of_program("postgres", cluster / "data"),
            "redis": leftovers.of_program("valkey-server", self.data_dir / "redis"),
        }
        return {name: {process.pid for process in leftovers.running(claim)} for name, claim in claims.items()}

    def strangers(self) -> set[int]:
        """Processes of ours that the supervisor does not know of; PostgreSQL's workers come and go."""
        known, found = {state.pid for state in self.running().values()}, self.pids()
        return (found["ours"] | found["redis"]) - known

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the harness's own; waits while the server is away."""
        async with asyncio.timeout(READY_SECONDS_MAX):
            while (connection := await self._connected()) is None:  # noqa: ASYNC110 - another process comes back
                await asyncio.sleep(0.05)
        try:
            yield connection
        finally:
            connection.terminate()

    async def _connected(self) -> asyncpg.Connection | None:
        try:
            return await asyncpg.connect(runtime.database_url(self.settings), timeout=5)
        except (*SERVER_AWAY, asyncpg.PostgresError, Unusable):
            return None

    async def make_key(self) -> tuple[str, int]:
        """A service key, and the namespace of what it sends."""
        async with self.database() as db, db.transaction():
            scopes = frozenset({Scope.ACTIONS_WRITE, Scope.ACTIONS_READ})
            key, text = await service_keys.create(db, "load", scopes, now=datetime.now(UTC))
        return text, key.namespace


@asynccontextmanager
async def staged(folder: Path, *, is_armed: bool = False, given: Mapping[str, str] = NOTHING) -> AsyncIterator[Stage]:
    """Everything up; stopped and forgotten afterwards, whatever happened."""
    stage = Stage(folder, is_armed=is_armed, given=given)
    stage.start()
    try:
        await stage.ready("api")
        yield stage
        stage.stop()
    finally:
        stage.kill()
        for pid in set[int]().union(*stage.pids().values()):
            leftovers.send(pid, signal.SIGKILL)
        forget(stage.data_dir)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
