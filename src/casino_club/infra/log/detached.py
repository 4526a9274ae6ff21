"""Partitions that the log keeps in files only, and reading them. Together they are its beginning, without a gap.

From the moment a partition is recorded here, its file stands for it, even while its table still exists.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from casino_club.infra.db.database import Db
from casino_club.infra.log.reader import NOTHING, Page, Position
from casino_club.infra.log.rows import LogRow
from casino_club.kernel.errors import Kind, Refused


@dataclass(frozen=True, slots=True)
class Detached:
    """The ids from `first_id` up to and including `last_id`, of which `row_count` were rows."""

    name: str
    first_id: int
    last_id: int
    row_count: int
    file: str


class DetachedFiles(Protocol):
    """Files of partitions, as readers need them."""

    def has(self, file: str) -> bool:
        """Whether the file is there."""
        ...

    def pages(
        self, file: str, *, after_id: int, rows_max: int, user_id: int | None = None
    ) -> AsyncGenerator[Sequence[LogRow], None]:
        """The file's rows above an id, perhaps only one user's, by id, in bounded pages. Raises FilesUnreadable."""
        ...


class NoFiles:
    """For a log that has nothing in files."""

    def has(self, file: str) -> bool:  # noqa: ARG002 - it has none, whatever the name
        return False

    async def pages(self, file: str, **_: int | None) -> AsyncGenerator[Sequence[LogRow], None]:
        if not self.has(file):
            raise FilesUnreadable(file)
        yield ()


class FilesMissing(Refused):
    """The log's beginning can't be read, because files of detached partitions are not where they were put."""

    code = "log_files_missing"
    kind = Kind.CONFLICT

    def __init__(self, missing: Sequence[Detached]) -> None:
        self.from_id = missing[-1].last_id + 1
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        super().__init__(
            f"The log's beginning lies in files, and {missing[0].file}{more} can't be found in the archive folder; "
            f"bring them back, or leave out what they hold and begin with --from-id {self.from_id}."
        )


class FilesUnreadable(Exception):
    """A file of a detached partition could not be read to its end."""


async def detached_after(db: Db, after_id: int = 0) -> list[Detached]:
    """Detached partitions that have ids above this one, lowest ids first."""
    rows = await db.fetch(
        """SELECT name, first_id, last_id, row_count, file FROM detached_partitions
           WHERE last_id > $1 ORDER BY first_id""",
        after_id,
    )
    return [Detached(*row) for row in rows]


async def check(db: Db, files: DetachedFiles, *, position: Position) -> None:
    """Raise FilesMissing if a file is gone that this position has yet to read."""
    if missing := [each for each in await _wanted(db, position) if not files.has(each.file)]:
        raise FilesMissing(missing)


async def _wanted(db: Db, position: Position) -> list[Detached]:
    """A position that has a snapshot behind it or under way has left the log's beginning."""
    at_beginning = position.delivered == NOTHING and position.delivering is None
    return await detached_after(db, position.last_id) if at_beginning else []


async def detached_pages(
    db: Db, files: DetachedFiles, position: Position, *, rows_max: int
) -> AsyncGenerator[Page, None]:
    """What a reader at the log's beginning has to read from files before it reads the table; else nothing.

    No partition is detached while a position is at the beginning, so the list is complete once it is read.
    """
    await check(db, files, position=position)
    for each in await _wanted(db, position):
        async with aclosing(files.pages(each.file, after_id=position.last_id, rows_max=rows_max)) as pages:
            async for rows in pages:
                yield Page(rows, replace(position, last_id=rows[-1].id))
