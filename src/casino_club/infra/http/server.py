"""Serves the application in this one process: whoever kills it frees its port, and nothing is left behind."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from casino_club.infra.http.heads import bounded_heads
from casino_club.infra.memory import settle_memory
from casino_club.infra.ports import Unusable

_log = logging.getLogger(__name__)

STOP_SECONDS_MAX: Final = 4
"""Requests that run are given this long to end; the whole stop stays within five seconds."""
WAITING_CONNECTIONS_MAX: Final = 1024
KEEP_ALIVE_SECONDS: Final = 75


HEAD_SECONDS_MAX: Final = 10.0
"""How long the head of a request may take to arrive, unless the settings say otherwise."""


async def run_until_stopped(app: ASGIApp, host: str, port: int, *, head_seconds_max: float = HEAD_SECONDS_MAX) -> None:
    """Serve until SIGTERM or SIGINT; then finish what runs, within bounds."""
    refuse_taken_port(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=bounded_heads(head_seconds_max),
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=WAITING_CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS_MAX,
        )
    )
    settle_memory()
    _log.info("Serving", extra={"port": port, "pid": os.getpid()})
    await server.serve()


class _Server(uvicorn.Server):
    """Ends in order on a signal, and with exit code 0: uvicorn would raise the signal again after its end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        yield

    def _ask_to_stop(self) -> None:
        self.should_exit = True


def refuse_taken_port(host: str, port: int) -> None:
    """Asked beforehand, so that the answer is a line that says what to do."""
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
