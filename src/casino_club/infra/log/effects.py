"""What becomes of rows: their effect, and the position behind them; and the stores that effects go to.

Whichever place it is, rows that are delivered again after a crash leave what they left before.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from casino_club.infra.db.database import CROSSED, SERVER_AWAY, Database, Db
from casino_club.infra.log.detached import DetachedFiles, FilesMissing, FilesUnreadable, NoFiles
from casino_club.infra.log.positions import Held
from casino_club.infra.log.reader import Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Policies, Subscription
from casino_club.infra.ports import HotStore, HotStoreAway, WarehouseAway, WarehouseStore

AWAY = (*SERVER_AWAY, *CROSSED, HotStoreAway, WarehouseAway, FilesMissing, FilesUnreadable)
"""The stores' fault, not a row's: waited out for as long as it takes, and nothing is parked."""

POSITION_MAY_BE_REPEATED = "SET LOCAL synchronous_commit = off"
"""For effects that are guarded outside PostgreSQL: a position lost in a crash only delivers some rows again."""

Beside = Callable[[Db], Awaitable[None]]
"""Something else to write in the transaction that moves the position."""


class HotStoreLost(Exception):
    """The hot store no longer holds what was written to it."""


@dataclass(frozen=True, slots=True)
class WarehouseHome:
    """The warehouse, the cluster that tables are made on if it is one, and the zone that days are counted in."""

    store: WarehouseStore
    zone: str
    cluster: str | None = None


@dataclass
class Stores:
    """Where effects go, and where the log's detached partitions lie. There may be no warehouse."""

    database: Database
    hot: HotStore
    policies: Policies = field(default_factory=dict)
    files: DetachedFiles = field(default_factory=NoFiles)
    warehouse: WarehouseHome | None = None

    def take(self, subscription: Subscription) -> bool:
        """Whether there is a place for what it does."""
        return subscription.to_warehouse is None or self.warehouse is not None


class Effect(Protocol):
    """What a subscription does, as the follower sees it. Rows are those that the subscription wants."""

    async def settle(self, db: Db, held: Held) -> Held:
        """Before anything is applied from a position that was just taken: finish what was left unfinished."""
        ...

    def foresee(self, rows: Sequence[LogRow]) -> None:
        """These rows will most likely be applied next: begin with what can be worked out meanwhile, if anything can."""
        ...

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        """Have the effect of these rows, if any, and move the position behind them."""
        ...

    async def apply_apart(self, db: Db, row: LogRow) -> None:
        """Have the effect of one row that was parked; the position stays as it is. The transaction ends later."""
        ...


class Rebuildable(Effect, Protocol):
    """An effect that can be had again beside the live one, and then be shown in its place."""

    async def begin_again(self, held: Held) -> None:
        """Forget what was built, if anything; the position is at the log's beginning."""
        ...

    async def show(self, db: Db, held: Held) -> bool:
        """Put what was built in the place of the live values, and forget the position that built it; False if that
        has moved on meanwhile.
        """
        ...
