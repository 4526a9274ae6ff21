"""Where a follower's rows come from: the table itself, or whatever carries the log to it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from casino_club.infra.db.database import Db
from casino_club.infra.log.reader import Page, Position, next_page

POLL_SECONDS = 0.02


class SourceAway(Exception):
    """What carries the log does not answer just now."""


class Source(Protocol):
    """One follower's way to the log. A position that one source gave is good for every other."""

    async def next_page(self, db: Db, position: Position, *, rows_max: int) -> Page:
        """Rows that this position has not had, each user's in the order of their ids; none if none wait just now.

        May be asked about any position at any time: one that a page was lost from, or that another process moved.
        Raises SourceAway, or what the database raises.
        """
        ...

    async def rest(self, woken: asyncio.Event) -> None:
        """Return when there may be more, or after a short while."""
        ...

    async def close(self) -> None:
        """Let go of what is open. The source may be used again afterwards."""
        ...


OpenSource = Callable[[], Source]
"""Makes a source for one follower."""


class TableSource:
    """Reads the table."""

    async def next_page(self, db: Db, position: Position, *, rows_max: int) -> Page:
        return await next_page(db, position, rows_max=rows_max)

    async def rest(self, woken: asyncio.Event) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), POLL_SECONDS)

    async def close(self) -> None:
        """Nothing is open: each question brings its connection."""
