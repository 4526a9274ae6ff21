"""A private ClickHouse engine under the data folder: a process of ours, reached on a loopback port with a secret."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from secrets import token_urlsafe

from casino_club.infra import leftovers, machine
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings

NAME = "warehouse"
USER = "casino_club"
HOST = "127.0.0.1"
MODULE = "casino_club.infra.backends.engine"
STOP_SIGNALS = ((signal.SIGTERM, 4.0),)


def prepare(settings: Settings) -> None:
    """Settles the address before any process starts: who finds none takes it that there is no warehouse, for good."""
    if url(settings) is None:
        _settle_address(machine.absolute(settings.data_dir))


def server(settings: Settings) -> ServerProcess | None:
    """The private engine of this data folder."""
    data_dir = machine.absolute(settings.data_dir)
    return ServerProcess(
        name=NAME,
        prepare=lambda: _prepare(data_dir),
        command=lambda: [sys.executable, "-m", MODULE, str(data_dir / NAME), str(_port(data_dir))],
        is_ready=lambda: _answers(data_dir),
        stop_signals=STOP_SIGNALS,
        environment={
            **os.environ,
            "WAREHOUSE_SECRET_FILE": str(_password_file(data_dir)),
            "WAREHOUSE_MEMORY_MB": str(settings.warehouse_memory_mb),
        },
        is_needed=False,
    )


def url(settings: Settings) -> str | None:
    """Its address, for any process of the account that started it; None if it was never started."""
    data_dir = machine.absolute(settings.data_dir)
    port, password = _port(data_dir), machine.read_text(_password_file(data_dir))
    if port is None or password is None:
        return None
    return f"http://{USER}:{password}@{HOST}:{port}/{USER}"


def _prepare(data_dir: Path) -> None:
    leftovers.end(leftovers.of_module(MODULE, data_dir / NAME), STOP_SIGNALS)
    _settle_address(data_dir)
    machine.make_private_folder(data_dir / NAME)


def _settle_address(data_dir: Path) -> None:
    machine.secret_in(_password_file(data_dir), token_urlsafe(32))
    known = _port(data_dir)
    if known is None or not _is_free(known):
        machine.write_private_file(_port_file(data_dir), f"{data_dir}\n{_free_port()}")


def _password_file(data_dir: Path) -> Path:
    return data_dir / f"{NAME}.password"


def _port_file(data_dir: Path) -> Path:
    return data_dir / "run" / f"{NAME}.port"


def _port(data_dir: Path) -> int | None:
    """The port of last time, so that the address stays; a copied folder must not share its original's."""
    home, _, port = (machine.read_text(_port_file(data_dir)) or "").partition("\n")
    return int(port) if port and home == str(data_dir) else None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


async def _answers(data_dir: Path) -> bool:
    """Asked with the secret, since a stranger may have the port."""
    secret = machine.read_text(_password_file(data_dir))
    request = f"GET /?query=SELECT+1 HTTP/1.0\r\nX-ClickHouse-Key: {secret}\r\n\r\n"
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(HOST, _port(data_dir))
            try:
                writer.write(request.encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False
