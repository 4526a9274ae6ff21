"""Bounds how long and how large the head of a request may be. A request that comes in one piece pays for nothing."""

import asyncio
import os
from asyncio import TimerHandle
from http import HTTPStatus
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from casino_club.infra.http.problems import HeadTooLarge, HeadTooSlow, HttpRefused, reply_to

BYTES_MAX: Final = 64 * 1024


class BoundedHeads(HttpToolsProtocol):
    """Closes a connection whose next request has begun to arrive, or should have, and goes on arriving for too long.

    Between two requests that came in full, uvicorn's own time for idle connections counts.
    """

    seconds_max: ClassVar[float]

    _is_in_head = False
    _head_bytes = 0
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head or self.cycle is None or self.cycle.response_complete:
            self._head_bytes += len(data)
            self._wait_for_the_rest()
        elif self._deadline is not None:
            self._clear_deadline()

    def _wait_for_the_rest(self) -> None:
        if self._head_bytes > BYTES_MAX:
            self._refuse(HeadTooLarge(f"The head of a request may have {BYTES_MAX} bytes."))
        elif self._deadline is None and not self.transport.is_closing():
            self._set_deadline()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.seconds_max, self._give_up)

    def _clear_deadline(self) -> None:
        self._head_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.cycle is not None and not self.cycle.response_complete:
            # The request before it is still being answered; that is not to suffer.
            self._set_deadline()
        elif self._is_in_head:
            self._refuse(HeadTooSlow(f"The head of the request did not arrive within {self.seconds_max:g} seconds."))
        else:
            self.transport.close()

    def _refuse(self, refusal: HttpRefused) -> None:
        self._clear_deadline()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            reply = reply_to(refusal, os.urandom(12).hex())
            headers = [*reply.headers, (b"content-length", b"%d" % len(reply.content)), (b"connection", b"close")]
            lines = [b"%b: %b\r\n" % header for header in headers]
            first = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n".encode()
            self.transport.write(b"".join([first, *lines, b"\r\n", reply.content]))
        self.transport.close()


def bounded_heads(seconds_max: float) -> type[BoundedHeads]:
    """The protocol with this bound."""
    return type("BoundedHeads", (BoundedHeads,), {"seconds_max": seconds_max})
