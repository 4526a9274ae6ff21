"""Real private servers for tests, started as `up` starts them."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import psutil

from casino_club.infra import children, places, runtime
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings

START_SECONDS_MAX = 60.0
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 1024**3
IN_MEMORY = "casino-club-tests"
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


@contextmanager
def private_servers(folder: Path, *, durable: bool = False) -> Iterator[tuple[str, str]]:
    """PostgreSQL's and Redis's addresses. Not durable unless asked for, since most tests only want it fast.

    Call it from the main thread: servers end with the thread that started them.
    """
    settings = Settings.model_validate({"mode": "embedded", "data_dir": folder})
    with ExitStack() as stack:
        for process in runtime.servers(settings):
            options = NOT_DURABLE if process.name == "postgresql" and not durable else ()
            stack.enter_context(running_server(process, folder, options))
        yield runtime.database_url(settings), runtime.redis_url(settings)


@contextmanager
def private_warehouse(folder: Path, **settings: object) -> Iterator[str]:
    """A warehouse's address; ended as `up` would end it. Call it from the main thread as well."""
    chosen = Settings.model_validate({"mode": "embedded", "data_dir": folder, **settings})
    process = runtime.warehouse_server(chosen)
    assert process is not None
    with running_server(process, folder):
        url = runtime.warehouse_url(chosen)
        assert url is not None
        yield url


@contextmanager
def memory_folder(otherwise: Path, memory: Path = MEMORY) -> Iterator[Path]:
    """A folder in memory, for servers that lose nothing of value; where there is too little of it, the other one.

    Most of what a new database costs is a disk's work.
    """
    _sweep(memory)
    if not memory.is_dir() or shutil.disk_usage(memory).free < MEMORY_BYTES_MIN:
        yield otherwise
        return
    folder = Path(tempfile.mkdtemp(dir=memory, prefix=f"{IN_MEMORY}-{os.getpid()}-"))
    folder.chmod(0o755)  # Servers that step down from root have to get there.
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _sweep(memory: Path) -> None:
    """Removes what tests left that were killed."""
    for folder in memory.glob(f"{IN_MEMORY}-*"):
        if not psutil.pid_exists(int(folder.name.split("-")[-2])):
            shutil.rmtree(folder, ignore_errors=True)  # Others may be sweeping the same just now.


def forget(data_dir: Path) -> None:
    """Removes what a data folder's servers keep outside it, for folders that nobody will use again."""
    place = places.data_place(data_dir, "postgresql")
    if place and not place.is_relative_to(data_dir):
        shutil.rmtree(place, ignore_errors=True)
    for name in ("postgresql", "redis"):
        places.remove_socket_folder(data_dir, name)


@contextmanager
def running_server(
    process: ServerProcess, data_dir: Path, options: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """One server, ready; stopped and cleaned up after use."""
    for name in ("run", "logs"):
        (data_dir / name).mkdir(parents=True, exist_ok=True)
    log = data_dir / "logs" / f"{process.name}.log"
    process.prepare()
    child = children.spawn(process, log, options=options)
    try:
        _wait_until_ready(process, child, log)
        yield child
    finally:
        _stop(process, child)


def _wait_until_ready(process: ServerProcess, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _is_ready(process):
        said = "\n".join(children.last_lines(log))
        assert child.poll() is None, f"{process.name} ended while starting:\n{said}"
        assert time.monotonic() < deadline, f"{process.name} did not get ready:\n{said}"
        time.sleep(0.02)


def _is_ready(process: ServerProcess) -> bool:
    """Asks in a thread, because the caller's may have a loop that runs already."""
    answers: list[bool] = []
    asking = Thread(target=lambda: answers.append(asyncio.run(process.is_ready())))  # type: ignore[arg-type]  # all are coroutines
    asking.start()
    asking.join()
    return answers == [True]


def _stop(process: ServerProcess, child: subprocess.Popen[bytes]) -> None:
    for number, seconds in process.stop_signals:
        child.send_signal(number)
        try:
            child.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        child.kill()
        child.wait()
    process.clean()
