"""Reads a page while the one before it is dealt with."""

import asyncio
from collections.abc import Callable, Sequence

from casino_club.infra.db.database import Db
from casino_club.infra.log.reader import Page, Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.sources import Source


class Ahead:
    """The pages of a source, at most one of them before its time; `foresee` is told its rows once they are read."""

    def __init__(
        self, source: Source, *, page_rows: int, foresee: Callable[[Sequence[LogRow]], None] = lambda _: None
    ) -> None:
        self._source = source
        self._page_rows = page_rows
        self._foresee = foresee
        self._reading: asyncio.Task[Page] | None = None

    async def next_page(self, db: Db, position: Position) -> Page:
        """What follows this position, which is behind the page of `begin` if that was called."""
        if self._reading is None:
            return await self._source.next_page(db, position, rows_max=self._page_rows)
        page, self._reading = await self._reading, None
        return page

    def begin(self, db: Db, page: Page) -> None:
        """Begin to read what follows this page, if it is full. Whatever becomes of its rows, we shall stand behind."""
        if len(page.rows) >= self._page_rows:
            self._reading = asyncio.create_task(self._read(db, page.after))

    async def _read(self, db: Db, position: Position) -> Page:
        page = await self._source.next_page(db, position, rows_max=self._page_rows)
        if page.rows:
            self._foresee(page.rows)
        return page

    async def forget(self) -> None:
        """The position is no longer ours, so what was read from it is of no use."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
