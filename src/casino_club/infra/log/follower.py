"""Keeps one subscriber up with the log: reads pages, has them applied, moves the position, parks what keeps failing."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from casino_club.infra.db.database import Db
from casino_club.infra.log import parked, positions, rebuild
from casino_club.infra.log.ahead import Ahead
from casino_club.infra.log.choice import effect_of
from casino_club.infra.log.detached import detached_pages
from casino_club.infra.log.effects import AWAY, Beside, Effect, HotStoreLost, Stores
from casino_club.infra.log.leading import leading
from casino_club.infra.log.positions import Held, TakenOver
from casino_club.infra.log.reader import PAGE_ROWS, Page, Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.sources import Source, SourceAway, TableSource
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.telemetry import metrics

logger = logging.getLogger(__name__)

KEEP_SECONDS = 10.0
ROW_ATTEMPTS_MAX = 3
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)


@dataclass
class Follower:
    """One subscriber, one generation, one position."""

    subscription: Subscription
    stores: Stores
    source: Source = field(default_factory=TableSource)
    generation: int = positions.LIVE
    page_rows: int = PAGE_ROWS
    held: Held | None = None
    failures: int = 0
    effect: Effect = field(init=False)
    ahead: Ahead = field(init=False)

    def __post_init__(self) -> None:
        self.effect = effect_of(self.subscription, self.stores, generation=self.generation)
        self.ahead = Ahead(self.source, page_rows=self.page_rows, foresee=self.effect.foresee)

    async def follow(self, woken: asyncio.Event) -> None:
        """Follow the log until cancelled. Of several processes one leads; the others stand by."""
        while True:
            try:
                async with leading(self.stores.database, self.subscription.name) as reading:
                    try:
                        await self._keep_up(woken, reading)
                    finally:
                        await self.ahead.forget()
                        await self.source.close()
            except HotStoreLost:
                await self._rebuild_hot()
            except (*AWAY, SourceAway, TakenOver) as away:
                logger.warning("follower waits", extra={"consumer": self.subscription.name, "reason": repr(away)})
                await asyncio.sleep(RETRY_SECONDS[min(self.failures, len(RETRY_SECONDS) - 1)])
                self.failures += 1
                self.held = None

    async def _keep_up(self, woken: asyncio.Event, reading: Db) -> None:
        kept_at = time.monotonic()
        await self.deliver_detached(reading)
        while True:
            woken.clear()
            page = await self.read(reading)
            if page.rows:
                self.ahead.begin(reading, page)
                await self.deliver(page)
                if len(page.rows) < self.page_rows:
                    await asyncio.sleep(self.subscription.rest_seconds)
                continue
            if time.monotonic() - kept_at > KEEP_SECONDS:
                await self._apply((), page.after)
                kept_at = time.monotonic()
            await self.source.rest(woken)

    async def deliver_detached(self, db: Db) -> None:
        """From the log's beginning, deliver what lies in files; the table is read from there on."""
        await self._take(db)
        assert self.held is not None
        pages = detached_pages(db, self.stores.files, self.held.position, rows_max=self.page_rows)
        async with aclosing(pages):
            async for page in pages:
                await self.deliver(page)

    async def read(self, db: Db) -> Page:
        """The next page. A page without rows moves the position in memory only; it is written now and then."""
        await self._take(db)
        assert self.held is not None
        page = await self.ahead.next_page(db, self.held.position)
        if not page.rows:
            self.held = replace(self.held, position=page.after)
        self.failures = 0
        return page

    async def _take(self, db: Db) -> None:
        if self.held is None:
            held = await positions.take(db, self.subscription.name, self.generation)
            self.held = await self.effect.settle(db, held)

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

    async def _apply(self, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> None:
        """The effect of these rows, and the position behind them."""
        assert self.held is not None
        self.held = await self.effect.apply(self.held, self.subscription.wanted(rows), after, beside=beside)

    async def _park(self, row: LogRow, failure: Exception, after: Position) -> None:
        name = self.subscription.name
        extra = {"consumer": name, "action_id": row.id, "reason": type(failure).__name__}
        logger.error("row parked", extra=extra, exc_info=failure)

        async def park(db: Db) -> None:
            await parked.park(db, name, row.id, reason=repr(failure), attempts=ROW_ATTEMPTS_MAX)

        await self._apply((), after, beside=park)
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
