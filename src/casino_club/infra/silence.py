"""Lines on which nobody answers any more are given up within seconds.

Left alone, TCP tries for a quarter of an hour, and may find out a minute late that a line is mended.
"""

import socket
import sys
from collections.abc import Mapping
from typing import Protocol

SECONDS_MAX = 10
"""A server may leave more unread for a while, so that less would end lines that are merely busy."""
ASKED_AFTER_SECONDS = 5
ASKED_TIMES = 2

OF_DATABASE: Mapping[str, str] = {
    "tcp_user_timeout": f"{SECONDS_MAX}s",
    "tcp_keepalives_idle": str(ASKED_AFTER_SECONDS),
    "tcp_keepalives_interval": str(ASKED_AFTER_SECONDS),
    "tcp_keepalives_count": str(ASKED_TIMES),
}
"""The same for PostgreSQL's end, else it would keep the locks of a machine that is gone for two hours."""


class Socket(Protocol):
    """A socket, or what a transport shows of its own."""

    @property
    def family(self) -> int: ...

    def setsockopt(self, level: int, name: int, value: int, /) -> None: ...


def bound(line: Socket) -> None:
    """Give up this line once it has been silent for too long. Sockets of one machine have nothing to bound."""
    if line.family not in (socket.AF_INET, socket.AF_INET6):
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SECONDS_MAX * 1_000)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASKED_AFTER_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASKED_AFTER_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASKED_TIMES)
