"""Reads the log's detached partitions through a child process, so that pyarrow's memory is only in use meanwhile."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import msgspec

from casino_club.infra.log.detached import FilesUnreadable
from casino_club.infra.log.rows import LogRow

READER = "casino_club.infra.backends.parquet"


class LogFiles:
    """The folder of exported partitions, for readers of the log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, file: str) -> bool:
        return (self._folder / file).is_file()

    async def pages(
        self, file: str, *, after_id: int, rows_max: int, user_id: int | None = None
    ) -> AsyncGenerator[Sequence[LogRow], None]:
        """The child is held up by its pipe, so that it is never more than a page or two ahead."""
        decode = msgspec.msgpack.Decoder(list[LogRow]).decode
        words = (
            sys.executable,
            "-m",
            READER,
            str(self._folder / file),
            str(after_id),
            str(rows_max),
            str(user_id or 0),
        )
        child = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert child.stdout is not None
            while page := await _framed(child.stdout):
                yield decode(page)
        except asyncio.IncompleteReadError as error:
            raise FilesUnreadable(f"{file} can't be read to its end") from error
        finally:
            if child.returncode is None:
                child.kill()
            # To wait alone may take for ever: while pages lie unread, the end of the pipe is not seen.
            await child.communicate()


async def _framed(source: asyncio.StreamReader) -> bytes:
    return await source.readexactly(int.from_bytes(await source.readexactly(4)))
