"""How slices learn what happened: functions that are given the log's rows, in order.

A projection holds derived state only and may be replayed. A reaction does something (appends, grants, sends), is never
replayed, and gives its effect a unique key, since a row may reach it twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from casino_club.infra.db.database import Db
from casino_club.infra.log.erased import USER_ERASED, emptied, spared
from casino_club.infra.log.reader import PAGE_ROWS
from casino_club.infra.log.rows import LogRow
from casino_club.infra.ports import Block, HotWrite
from casino_club.kernel.clock import Calendar


class Kind(StrEnum):
    """What a subscriber does with a row."""

    PROJECTION = "projection"
    REACTION = "reaction"


Policies = Mapping[type, Any]
"""What decides, by its type; entry points load it and hand it down."""

DatabaseEffect = Callable[[Db, Sequence[LogRow], Policies], Awaitable[None]]
"""Writes PostgreSQL in the very transaction that moves the position."""

HotEffect = Callable[[Sequence[LogRow], Policies], Sequence[HotWrite]]
"""Says what the hot store shall hold; each write is guarded by the id of the row that it follows from."""

WarehouseEffect = Callable[[Sequence[LogRow], Calendar], Block]
"""Says which rows of a table the log's rows become; days are those of the calendar that it is given."""


@dataclass(frozen=True, slots=True)
class IntoTable:
    """A table of the warehouse that a subscription fills, and the slice whose files make it."""

    package: str
    table: str
    effect: WarehouseEffect


@dataclass(frozen=True, slots=True)
class Subscription:
    """A named reader of the log with a position of its own."""

    name: str
    kind: Kind
    about: str
    types: frozenset[str]
    """Only rows of these types are given to it; all of them, if empty."""
    to_database: DatabaseEffect | None = None
    to_hot: HotEffect | None = None
    hot_names: tuple[str, ...] = ()
    """The values that it keeps in the hot store."""
    to_warehouse: IntoTable | None = None
    page_rows: int = PAGE_ROWS
    rest_seconds: float = 0.0
    """How long it waits after a page that was not full, for places that take few large writes better than many."""

    @property
    def may_be_replayed(self) -> bool:
        return self.to_hot is not None or self.to_warehouse is not None

    def wants(self, row: LogRow) -> bool:
        """A hot projection is always told that a user is gone."""
        is_end = self.to_hot is not None and row.action_type == USER_ERASED
        return not self.types or row.action_type in self.types or is_end

    def wanted(self, rows: Sequence[LogRow]) -> Sequence[LogRow]:
        """Those of the rows that it is given."""
        return [row for row in rows if self.wants(row)] if self.types else rows


def subscribe(
    name: str, *, kind: Kind, about: str, types: frozenset[str] = frozenset()
) -> Callable[[DatabaseEffect], Subscription]:
    """Make a function a subscriber whose effect is in PostgreSQL. A reaction never gets to see rows of the erased."""

    def declare(effect: DatabaseEffect) -> Subscription:
        async def react(db: Db, rows: Sequence[LogRow], policies: Policies) -> None:
            if living := await spared(db, rows):
                await effect(db, living, policies)

        return Subscription(name, kind, about, types, to_database=react if kind is Kind.REACTION else effect)

    return declare


def subscribe_hot(
    name: str, *, about: str, names: tuple[str, ...], types: frozenset[str] = frozenset()
) -> Callable[[HotEffect], Subscription]:
    """Make a function a projection into the hot store. Its values of a user end with the user, without its doing."""

    def declare(effect: HotEffect) -> Subscription:
        def write(rows: Sequence[LogRow], policies: Policies) -> Sequence[HotWrite]:
            ended = emptied(rows, names)
            users = {write.user_id for write in ended}
            living = [row for row in rows if row.user_id not in users] if users else rows
            return [*(effect(living, policies) if living else ()), *ended]

        return Subscription(name, Kind.PROJECTION, about, types, to_hot=write, hot_names=names)

    return declare


def subscribe_warehouse(
    name: str, *, about: str, package: str, table: str, page_rows: int, rest_seconds: float
) -> Callable[[WarehouseEffect], Subscription]:
    """Make a function a projection into the warehouse."""

    def declare(effect: WarehouseEffect) -> Subscription:
        into = IntoTable(package, table, effect)
        return Subscription(
            name,
            Kind.PROJECTION,
            about,
            frozenset(),
            to_warehouse=into,
            page_rows=page_rows,
            rest_seconds=rest_seconds,
        )

    return declare
