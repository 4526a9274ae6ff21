"""Gathers all that is kept of a user into one archive: a file per exporter, and a page about them."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import IO, Any

import msgspec

from casino_club.infra.privacy.doors import Exporter, Reach, Record

RECORDS_AT_ONCE = 500
Report = Callable[[str], Awaitable[None]]
"""Told which file is written, and how many records it has."""

_encode = msgspec.json.Encoder(enc_hook=str).encode

_HEAD = """What Casino-Club keeps of you
=============================

Each file holds records as JSON, one on a line. Times are UTC. What is missing here is not kept in a readable form: your
password and your recovery codes as hashes only, and the secret of your second factor, which is shown once.

카지노 클럽이 보관하는 회원님의 정보
===================================

각 파일에는 한 줄에 하나씩 JSON 기록이 있습니다. 시각은 UTC입니다. 비밀번호와 복구 코드는 해시로만 보관하고, 2단계
인증의 비밀 값은 한 번만 보여 드리므로 여기에 없습니다.
"""


async def gather(reach: Reach, exporters: Sequence[Exporter], user_id: int, into: IO[bytes], *, report: Report) -> None:
    """Write the archive. Raises what a store that is away raises, rather than leave something out."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme(exporters))
        for each in exporters:
            with archive.open(f"{each.name}.json", "w", force_zip64=True) as file:
                await _write(file, each, each.records(reach, user_id), report)


def readme(exporters: Sequence[Exporter]) -> str:
    """The page that says what each file is, in English and Korean."""
    return "\n".join([_HEAD, *(f"{each.name}.json\n  {each.about}\n  {each.about_ko}\n" for each in exporters)])


async def _write(file: IO[bytes], exporter: Exporter, records: AsyncIterator[Record], report: Report) -> None:
    count, waiting = 0, [b"["]
    async with aclosing(records) as found:  # type: ignore[type-var]  # exporters are generators
        async for record in found:
            waiting.append((b",\n" if count else b"\n") + _encode(_readable(record)))
            count += 1
            if len(waiting) > RECORDS_AT_ONCE:
                await asyncio.to_thread(file.write, b"".join(waiting))
                waiting.clear()
                await report(f"{exporter.name}: {count}")
    await asyncio.to_thread(file.write, b"".join([*waiting, b"\n]\n"]))
    await report(f"{exporter.name}: {count}")


def _readable(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not isinstance(value, bytes)}


class Bounded(io.BytesIO):
    """A file in memory that refuses to grow beyond a bound."""

    def __init__(self, bytes_max: int, refusal: Exception) -> None:
        super().__init__()
        self._bytes_max = bytes_max
        self._refusal = refusal

    def write(self, content: Any, /) -> int:
        if self.tell() + len(content) > self._bytes_max:
            raise self._refusal
        return super().write(content)
