"""Keeps one subscriber up with the log: reads pages, has them applied, moves the position, parks what keeps failing."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from casino_club.infra.db.database import CLIENT_FAULTS, CROSSED, SERVER_AWAY, Database, Db
from casino_club.infra.log import parked, positions, rebuild
from casino_club.infra.log.detached import DetachedFiles, FilesMissing, FilesUnreadable, NoFiles, detached_pages
from casino_club.infra.log.positions import Held, TakenOver
from casino_club.infra.log.reader import PAGE_ROWS, LogRow, Page, Position, next_page
from casino_club.infra.log.subscribe import Policies, Subscription
from casino_club.infra.ports import HotStore, HotStoreAway
from casino_club.infra.telemetry import metrics

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.02
STANDBY_SECONDS = 1.0
KEEP_SECONDS = 10.0
ROW_ATTEMPTS_MAX = 3
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
LEADER_LOCK = 7_215_510
AWAY = (*SERVER_AWAY, *CROSSED, HotStoreAway, FilesMissing, FilesUnreadable)
"""The stores' fault, not a row's: waited out for as long as it takes, and nothing is parked."""

POSITION_MAY_BE_REPEATED = "SET LOCAL synchronous_commit = off"
"""For effects that are guarded outside PostgreSQL: a position lost in a crash only delivers some rows again."""


class HotStoreLost(Exception):
    """The hot store no longer holds what was written to it."""


@dataclass
class Stores:
    """Where effects go, and where the log's detached partitions lie."""

    database: Database
    hot: HotStore
    policies: Policies = field(default_factory=dict)
    files: DetachedFiles = field(default_factory=NoFiles)


@dataclass
class Follower:
    """One subscriber, one generation, one position."""

    subscription: Subscription
    stores: Stores
    generation: int = positions.LIVE
    page_rows: int = PAGE_ROWS
    held: Held | None = None
    failures: int = 0

    async def follow(self, woken: asyncio.Event) -> None:
        """Follow the log until cancelled. Of several processes one leads; the others stand by."""
        while True:
            try:
                async with self.stores.database.connection() as leading:
                    while not await self._leads(leading):  # noqa: ASYNC110 - the leader is another process
                        await asyncio.sleep(STANDBY_SECONDS)
                    try:
                        await self._keep_up(woken, leading)
                    finally:
                        with suppress(*SERVER_AWAY, *CLIENT_FAULTS):  # Why we end must not be hidden.
                            await leading.execute("SELECT pg_advisory_unlock_all()")
            except HotStoreLost:
                await self._rebuild_hot()
            except (*AWAY, TakenOver) as away:
                logger.warning("follower waits", extra={"consumer": self.subscription.name, "reason": repr(away)})
                await asyncio.sleep(RETRY_SECONDS[min(self.failures, len(RETRY_SECONDS) - 1)])
                self.failures += 1
                self.held = None

    async def _leads(self, connection: Db) -> bool:
        leads: bool = await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, hashtext($2))", LEADER_LOCK, self.subscription.name
        )
        return leads

    async def _keep_up(self, woken: asyncio.Event, reading: Db) -> None:
        kept_at = time.monotonic()
        await self.deliver_detached(reading)
        while True:
            woken.clear()
            page = await self.read(reading)
            if page.rows:
                await self.deliver(page)
                continue
            if time.monotonic() - kept_at > KEEP_SECONDS:
                await self._apply((), page.after)
                kept_at = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), POLL_SECONDS)

    async def deliver_detached(self, db: Db) -> None:
        """From the log's beginning, deliver what lies in files; the table is read from there on."""
        if self.held is None:
            self.held = await positions.take(db, self.subscription.name, self.generation)
        pages = detached_pages(db, self.stores.files, self.held.position, rows_max=self.page_rows)
        async with aclosing(pages):
            async for page in pages:
                await self.deliver(page)

    async def read(self, db: Db) -> Page:
        """The next page. A page without rows moves the position in memory only; it is written now and then."""
        if self.held is None:
            self.held = await positions.take(db, self.subscription.name, self.generation)
        page = await next_page(db, self.held.position, rows_max=self.page_rows)
        if not page.rows:
            self.held = replace(self.held, position=page.after)
        self.failures = 0
        return page

    async def deliver(self, page: Page) -> None:
        """Apply a page and move past it. If it fails through a row, halve it until that row stands alone."""
        assert self.held is not None
        start = self.held.position
        await self._deliver_part(page.rows, page, start)
        metrics.CONSUMER_PAGES.labels(self.subscription.name).inc()
        metrics.CONSUMER_ROWS.labels(self.subscription.name).inc(len(page.rows))
        waited = datetime.now(UTC) - page.rows[0].appended_at
        metrics.COMMIT_TO_APPLIED_SECONDS.labels(self.subscription.name).observe(max(0.0, waited.total_seconds()))

    async def _deliver_part(self, rows: Sequence[LogRow], page: Page, start: Position) -> None:
        attempts = ROW_ATTEMPTS_MAX if len(rows) == 1 else 1
        for attempt in range(attempts):
            try:
                await self._apply(rows, page.until(rows[-1], start))
            except (*AWAY, TakenOver, HotStoreLost):
                raise
            except Exception as failure:  # noqa: BLE001 - whatever a subscriber raises is kept with the row
                metrics.CONSUMER_FAILURES.labels(self.subscription.name).inc()
                if attempt == attempts - 1 and len(rows) == 1:
                    await self._park(rows[0], failure, page.until(rows[0], start))
                    return
            else:
                return
        middle = len(rows) // 2
        await self._deliver_part(rows[:middle], page, start)
        await self._deliver_part(rows[middle:], page, start)

    async def _apply(self, rows: Sequence[LogRow], after: Position) -> None:
        """The effect of these rows, and the position behind them."""
        assert self.held is not None
        effect = self.subscription.to_database
        wanted = [row for row in rows if self.subscription.wants(row)]
        if effect is None:
            await self._apply_hot(wanted)
        async with self.stores.database.transaction("" if effect else POSITION_MAY_BE_REPEATED) as db:
            if effect is not None and wanted:
                await effect(db, wanted, self.stores.policies)
            moved = await positions.move(db, self.held, after)
        self.held = moved

    async def _apply_hot(self, rows: Sequence[LogRow]) -> None:
        assert self.held is not None
        assert self.subscription.to_hot is not None
        if self.held.moves == 0:
            await self.stores.hot.set_mark(self.subscription.name, 0, generation=self.generation)
        kept = await self.stores.hot.apply(
            self.subscription.name,
            self.subscription.to_hot(rows, self.stores.policies) if rows else (),
            mark=self.held.moves + 1,
            after_mark=self.held.moves,
            generation=self.generation,
        )
        if not kept:
            raise HotStoreLost(self.subscription.name)

    async def _park(self, row: LogRow, failure: Exception, after: Position) -> None:
        assert self.held is not None
        name = self.subscription.name
        extra = {"consumer": name, "action_id": row.id, "reason": type(failure).__name__}
        logger.error("row parked", extra=extra, exc_info=failure)
        if self.subscription.to_hot is not None:
            await self._apply_hot(())
        async with self.stores.database.transaction() as db:
            await parked.park(db, name, row.id, reason=repr(failure), attempts=ROW_ATTEMPTS_MAX)
            self.held = await positions.move(db, self.held, after)
        metrics.CONSUMER_PARKED.labels(name).inc()

    async def _rebuild_hot(self) -> None:
        """The store lost what it held: ask for a rebuild, which survives us, and go on showing what happens now."""
        name = self.subscription.name
        with suppress(*AWAY):
            async with self.stores.database.transaction() as db:
                held = await positions.take(db, name)
                if held.moves:
                    logger.error("hot store lost writes; rebuilding", extra={"consumer": name})
                    await rebuild.ask_again(db, name)
            await self.stores.hot.set_mark(name, held.moves)
