"""What becomes of rows: their effect, and the position behind them. There is one way for each place that holds effects.

Whichever it is, rows that are delivered again after a crash leave what they left before.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from casino_club.infra.db.database import CROSSED, SERVER_AWAY, Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.detached import DetachedFiles, FilesMissing, FilesUnreadable, NoFiles
from casino_club.infra.log.positions import Held
from casino_club.infra.log.reader import LogRow, Position
from casino_club.infra.log.subscribe import DatabaseEffect, HotEffect, Policies, Subscription
from casino_club.infra.ports import HotStore, HotStoreAway

AWAY = (*SERVER_AWAY, *CROSSED, HotStoreAway, FilesMissing, FilesUnreadable)
"""The stores' fault, not a row's: waited out for as long as it takes, and nothing is parked."""

POSITION_MAY_BE_REPEATED = "SET LOCAL synchronous_commit = off"
"""For effects that are guarded outside PostgreSQL: a position lost in a crash only delivers some rows again."""

Beside = Callable[[Db], Awaitable[None]]
"""Something else to write in the transaction that moves the position."""


class HotStoreLost(Exception):
    """The hot store no longer holds what was written to it."""


@dataclass
class Stores:
    """Where effects go, and where the log's detached partitions lie."""

    database: Database
    hot: HotStore
    policies: Policies = field(default_factory=dict)
    files: DetachedFiles = field(default_factory=NoFiles)


class Effect(Protocol):
    """What a subscription does, as the follower sees it. Rows are those that the subscription wants."""

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        """Have the effect of these rows, if any, and move the position behind them."""
        ...

    async def apply_apart(self, db: Db, row: LogRow) -> None:
        """Have the effect of one row that was parked; the position stays as it is. The transaction ends later."""
        ...


def effect_of(subscription: Subscription, stores: Stores, *, generation: int = positions.LIVE) -> Effect:
    """The way that this subscription takes."""
    if subscription.to_database is not None:
        return InDatabase(stores.database, stores.policies, subscription.to_database)
    assert subscription.to_hot is not None
    return InHotStore(stores.database, stores.hot, stores.policies, subscription.name, subscription.to_hot, generation)


@dataclass(frozen=True, slots=True)
class InDatabase:
    """Effect and position are one transaction."""

    database: Database
    policies: Policies
    effect: DatabaseEffect

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        async with self.database.transaction() as db:
            if rows:
                await self.effect(db, rows, self.policies)
            if beside is not None:
                await beside(db)
            return await positions.move(db, held, after)

    async def apply_apart(self, db: Db, row: LogRow) -> None:
        await self.effect(db, [row], self.policies)


@dataclass(frozen=True, slots=True)
class InHotStore:
    """Values first, then the position: each value is guarded by its row, and a mark tells when the store lost some."""

    database: Database
    hot: HotStore
    policies: Policies
    projection: str
    effect: HotEffect
    generation: int

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        await self._write(held, rows)
        async with self.database.transaction(POSITION_MAY_BE_REPEATED if beside is None else "") as db:
            if beside is not None:
                await beside(db)
            return await positions.move(db, held, after)

    async def apply_apart(self, db: Db, row: LogRow) -> None:  # noqa: ARG002 - the values' own guard is enough
        await self.hot.apply_apart(self.projection, self.effect([row], self.policies))

    async def _write(self, held: Held, rows: Sequence[LogRow]) -> None:
        if held.moves == 0:
            await self.hot.set_mark(self.projection, 0, generation=self.generation)
        kept = await self.hot.apply(
            self.projection,
            self.effect(rows, self.policies) if rows else (),
            mark=held.moves + 1,
            after_mark=held.moves,
            generation=self.generation,
        )
        if not kept:
            raise HotStoreLost(self.projection)
