"""A supervisor to send signals to: `python -m tests.infra.supervised FOLDER servers|sleepers|slow`."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from casino_club.infra import runtime
from casino_club.infra.processes import ProcessState, only_supervisor
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from casino_club.infra.supervisor import Supervisor, stop_on_signals

SLEEP = "import time; time.sleep(600)"
SLOW = f"import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit())); {SLEEP}"


def script(
    name: str, text: str, *, stop_signals: Sequence[tuple[int, float]] = ((signal.SIGTERM, 2.0),)
) -> ServerProcess:
    """A process that runs this Python text, ready at once."""
    return ServerProcess(
        name=name,
        prepare=lambda: None,
        command=lambda: [sys.executable, "-c", text],
        is_ready=_at_once,
        stop_signals=stop_signals,
    )


async def _at_once() -> bool:
    return True


def make_folders(data_dir: Path) -> Path:
    for name in ("run", "logs"):
        (data_dir / name).mkdir(parents=True, exist_ok=True)
    return data_dir


async def _run(data_dir: Path, processes: list[ServerProcess]) -> None:
    was_asked_to_stop = stop_on_signals()
    try:
        async with Supervisor(data_dir, _print).running() as supervisor:
            for process in processes:
                await supervisor.start(process)
            print("all ready", flush=True)  # noqa: T201 - the test reads it
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        assert was_asked_to_stop()


def _print(seen: ProcessState, detail: str) -> None:
    print(seen.name, seen.state, seen.pid, flush=True)  # noqa: T201 - the test reads it


def main(folder: str, kind: str) -> None:
    data_dir = make_folders(Path(folder))
    settings = Settings.model_validate({"mode": "embedded", "data_dir": data_dir})
    chosen = {
        "servers": runtime.servers(settings),
        "sleepers": [script("first", SLEEP), script("second", SLEEP)],
        "slow": [script("first", SLOW), script("second", SLOW)],
    }
    with only_supervisor(data_dir):
        asyncio.run(_run(data_dir, chosen[kind]))


if __name__ == "__main__":
    main(*sys.argv[1:])
