"""HTTP as a plain client speaks it: one connection, one request at a time, and an honest word when no answer came."""

import asyncio
from contextlib import suppress

ANSWER_SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 1 << 24


class NoAnswer(Exception):
    """Nobody can say what became of the request."""


class Connection:
    """Opened when it is needed, given up after any trouble."""

    def __init__(
        self,
        port: int,
        key: str = "",
        *,
        host: str = "127.0.0.1",
        sender: str = "",
        seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """`sender` is the address that a proxy in front would name."""
        self.key = key
        self._host, self._port, self._sender, self._seconds_max = host, port, sender, seconds_max
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """The status and the content of the answer. Raises NoAnswer."""
        return await self.request("POST", path, body)

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """The same, whatever the method."""
        try:
            async with asyncio.timeout(self._seconds_max):
                reader, writer = self._streams or await self._open()
                writer.write(self._head(method, path, len(body)) + body)
                return await _answer(reader)
        except (OSError, EOFError, asyncio.LimitOverrunError) as trouble:
            await self.close()
            raise NoAnswer(repr(trouble)) from trouble

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._host, self._port, limit=ANSWER_BYTES_MAX)
        return self._streams

    def _head(self, method: str, path: str, length: int) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"Authorization: Bearer {self.key}"] if self.key else []
        lines += [f"X-Forwarded-For: {self._sender}"] if self._sender else []
        lines += ["Content-Type: application/json"] if length else []
        return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    status, length = int(head[0].split()[1]), 0
    for line in head[1:]:
        name, _, text = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(text)
    return status, await reader.readexactly(length)
