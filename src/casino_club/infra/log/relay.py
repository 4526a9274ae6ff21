"""The relay: follows the table as every reader does and publishes each row to a topic, for whoever consumes it.

What it has published and how far it has come are one transaction of the topic's. The position in PostgreSQL is a copy:
never ahead of the topic, it keeps partitions of the log that have yet to be sent, and shows the relay's lag.
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from casino_club.infra.db.database import CROSSED, SERVER_AWAY, Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.ahead import Ahead
from casino_club.infra.log.detached import detached_after
from casino_club.infra.log.effects import Beside
from casino_club.infra.log.leading import leading
from casino_club.infra.log.positions import Held, TakenOver
from casino_club.infra.log.reader import Position, put_on_disk
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.sources import TableSource
from casino_club.infra.telemetry import metrics
from casino_club.kernel.errors import Kind, Refused

logger = logging.getLogger(__name__)

NAME = "relay"
KEEP_SECONDS = 5.0
RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0)
PAGE_ROWS = 5_000
"""Each page is a transaction of the topic, which takes brokers as long as a thousand messages or more."""


SET_BACK = "the database was set back to an earlier moment; run `casino-club migrate` if that has not been done"


class PublisherAway(Exception):
    """The topic can't be written just now. What became of a page that was being published is not known."""


class PageNotPublished(Exception):
    """No row of the page was published, and none will be unless it is tried again."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a topic knows of the relay: the position, or why there is none to rely on; and how often it had moved in the
    database, at least.
    """

    position: Position | None
    why_none: str = ""
    moves: int = 0


class Publisher(Protocol):
    """Writes a topic. Rows of one user keep their order, and what was published together appears together."""

    async def begin(self, origin: str) -> Remembered:
        """Make ready, end whoever published before us, and say how far the log of this origin has been sent.

        Without a position to rely on, what is published from now on is a new life of the topic. Raises PublisherAway.
        """
        ...

    async def begin_life(self) -> None:
        """What is published from now on is a new life of the topic, whatever it remembers."""
        ...

    async def publish(self, rows: Sequence[LogRow], *, begun: Position, after: Position, moves: int) -> None:
        """Publish these rows, and that the relay has come from `begun` to `after`, with so many moves of its position
        on the database's disk. Raises PublisherAway, PageNotPublished.
        """
        ...

    async def take_over(self, origin: str, *, partitions: int) -> str:
        """Have a new topic take over where the relay is, tell readers of the old one, and say its name.

        Raises NothingSent, PublisherAway.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open. `begin` may follow."""
        ...


class NothingSent(Refused):
    """There is no topic yet from which a new one could take over."""

    code = "nothing_sent"
    kind = Kind.CONFLICT


async def new_topic(database: Database, publisher: Publisher, *, partitions: int) -> str:
    """Have a new topic take over, with this many partitions; its name. A relay that runs goes on in it by itself."""
    async with database.connection() as db:
        origin = await _origin(db)
    try:
        return await publisher.take_over(origin, partitions=partitions)
    finally:
        await publisher.close()


async def _origin(db: Db) -> str:
    """Which database the rows come from, and since which restore."""
    found = await db.fetchrow("SELECT system_identifier, floor_id FROM log_origin")
    return "" if found is None else f"{found[0]}/{found[1]}"


class Relay:
    """One log, one topic. Of several processes one leads; should two believe it, the topic listens to the newer one.

    `set_back` is what else has to be done when the database was set back to an earlier moment.
    """

    def __init__(
        self, database: Database, publisher: Publisher, *, page_rows: int = PAGE_ROWS, set_back: Beside | None = None
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._set_back = set_back
        self._source = TableSource()
        self._ahead = Ahead(self._source, page_rows=page_rows)
        self._failures = 0

    async def follow(self, woken: asyncio.Event) -> None:
        """Publish the log until cancelled."""
        while True:
            try:
                async with leading(self._database, NAME) as reading:
                    try:
                        await self._keep_up(woken, reading)
                    finally:
                        await self._ahead.forget()
                        await self._publisher.close()
            except (*SERVER_AWAY, *CROSSED, PublisherAway, PageNotPublished, TakenOver) as away:
                logger.warning("relay waits", extra={"reason": repr(away)})
                await asyncio.sleep(RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)])
                self._failures += 1

    async def _keep_up(self, woken: asyncio.Event, reading: Db) -> None:
        held = await self._begin(reading)
        position, kept_at = held.position, -math.inf  # The first word comes at once.
        while True:
            woken.clear()
            page = await self._ahead.next_page(reading, position)
            if page.rows or time.monotonic() - kept_at > KEEP_SECONDS:
                await put_on_disk(reading)
                self._ahead.begin(reading, page)
                await self._publisher.publish(page.rows, begun=position, after=page.after, moves=held.moves)
                held, kept_at = await self._copy(held, page.after), time.monotonic()
                _count(page.rows)
            position = page.after
            self._failures = 0
            if not page.rows:
                await self._source.rest(woken)

    async def _begin(self, db: Db) -> Held:
        """Go on where the topic says; if it can't, send the log from its beginning."""
        remembered = await self._publisher.begin(await _origin(db))
        held = await positions.take(db, NAME)
        if remembered.position is None:
            return await self._begin_again(db, held, remembered.why_none)
        if held.moves < remembered.moves:
            await self._publisher.begin_life()
            return await self._begin_again(db, held, SET_BACK, beside=self._set_back)
        return await self._copy(held, remembered.position)

    async def _begin_again(self, db: Db, held: Held, reason: str, *, beside: Beside | None = None) -> Held:
        if held.moves or beside is not None:
            logger.error("sending the log again from its beginning", extra={"reason": reason})
        if detached := await detached_after(db):
            extra = {"upto_id": detached[-1].last_id}
            logger.warning("rows of partitions that were put away are not sent", extra=extra)
        async with self._database.transaction() as forgetting:
            if beside is not None:
                await beside(forgetting)
            await positions.forget(forgetting, NAME)
            return await positions.take(forgetting, NAME)

    async def _copy(self, held: Held, position: Position) -> Held:
        async with self._database.transaction("SET LOCAL synchronous_commit = off") as db:
            return await positions.move(db, held, position)


def _count(rows: Sequence[LogRow]) -> None:
    if rows:
        metrics.CONSUMER_PAGES.labels(NAME).inc()
        metrics.CONSUMER_ROWS.labels(NAME).inc(len(rows))
        waited = datetime.now(UTC) - rows[0].appended_at
        metrics.COMMIT_TO_APPLIED_SECONDS.labels(NAME).observe(max(0.0, waited.total_seconds()))
