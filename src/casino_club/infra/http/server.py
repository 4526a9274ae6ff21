"""Serves the application in this one process: whoever kills it frees its port, and nothing is left behind."""

import asyncio
import gc
import logging
import os
import signal
import socket
from typing import Final

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from casino_club.infra.ports import Unusable

_log = logging.getLogger(__name__)

STOP_SECONDS_MAX: Final = 4.0
"""Requests that run are given this long to end; the whole stop stays within five seconds."""
WAITING_CONNECTIONS_MAX: Final = 1024
CONNECTIONS_MAX: Final = 16_384


async def run_until_stopped(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; then finish what runs, within bounds."""
    refuse_taken_port(host, port)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
        log_access=False,
        backlog=WAITING_CONNECTIONS_MAX,
        backpressure=CONNECTIONS_MAX,
    )
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    serving = asyncio.create_task(server.serve())
    stop_asked = asyncio.create_task(asked_to_stop.wait())
    settle_memory()
    _log.info("Serving", extra={"port": port, "pid": os.getpid()})
    await asyncio.wait((serving, stop_asked), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
        raise RuntimeError("the server ended without being asked to")
    await _stop(server, serving)


def settle_memory() -> None:
    """Spare the collector all that lives as long as the process: full collections were most of the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def refuse_taken_port(host: str, port: int) -> None:
    """Asked without sharing, because the server itself would share the port with a stranger and get half the calls."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise Unusable(
                f"{host}:{port} can't be used ({error.strerror}); "
                "stop whatever listens there, or choose another CASINO_CLUB_PORT."
            ) from error


async def _stop(server: Server, serving: "asyncio.Task[None]") -> None:
    server.stop()  # type: ignore[no-untyped-call]  # granian types it partly
    try:
        await asyncio.wait_for(serving, STOP_SECONDS_MAX)
    except TimeoutError:
        _log.warning("Requests still ran when the time to stop was over")
