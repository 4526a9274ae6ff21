"""What slices read the warehouse through: a query file, typed parameters, typed rows, and how far the warehouse is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Generic, TypeVar

import msgspec

from casino_club.infra.db.database import Database, Db
from casino_club.infra.ports import ReadLimits, WarehouseAway, WarehouseFault, WarehouseStore
from casino_club.infra.warehouse.generations import LIVE, Generation

PROJECTION = "warehouse"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Query(Generic[Row]):
    """A file of SQL with `{name:Type}` parameters, and the row that it gives: a NamedTuple with the columns' names."""

    package: str
    file: str
    row: type[Row]
    limits: ReadLimits = field(default_factory=ReadLimits)


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the warehouse had read when it was asked, at least.

    All that is visible in `snapshot`, a `pg_snapshot`, is in the answer. `as_of` is when the oldest action was stored
    that is not; now, if there is none. Transactions that are still open may bring older ones.
    """

    snapshot: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """Rows, and the state of the log that they stand for."""

    rows: Sequence[Row]
    watermark: Watermark


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse, read only."""

    database: Database
    store: WarehouseStore

    async def read(self, query: Query[Row], parameters: Mapping[str, object] | None = None) -> Answer[Row]:
        """Run a query on the live generation. Cancelling the call ends the query.

        Raises QueryTooLong or QueryTooLarge beyond the query's limits, and WarehouseAway.
        """
        generation, watermark = await self._live()
        try:
            found = await self._found(query, parameters or {}, generation)
        except WarehouseFault:
            asked = generation
            generation, watermark = await self._live()
            if generation == asked:
                raise
            # A rebuild has been shown in the meantime, and the tables that we asked are gone.
            found = await self._found(query, parameters or {}, generation)
        return Answer(_rows(query, found), watermark)

    async def _live(self) -> tuple[Generation, Watermark]:
        async with self.database.connection() as db:
            return await _live(db)

    async def _found(self, query: Query[Row], parameters: Mapping[str, object], generation: Generation) -> bytes:
        return await self.store.read(
            _text(query.package, query.file),
            parameters,
            database=generation.database(self.store.database),
            result_format="JSONCompactEachRowWithNames",
            limits=query.limits,
        )


def _rows(query: Query[Row], found: bytes) -> Sequence[Row]:
    heads, _, lines = found.partition(b"\n")
    fields: Sequence[str] = getattr(query.row, "_fields", ())
    assert tuple(msgspec.json.decode(heads)) == tuple(fields), f"{query.file} gives {heads!r}, not {fields}"
    return msgspec.json.Decoder(query.row).decode_lines(lines)


@cache
def _text(package: str, file: str) -> str:
    return (files(package) / "sql" / file).read_text()


async def _live(db: Db) -> tuple[Generation, Watermark]:
    """The live generation, and how far it has been read to, both as of one moment."""
    found = await db.fetchrow(
        """SELECT g.number, g.zone, p.delivered,
                  coalesce(CASE WHEN p.delivering IS NULL AND p.carry_to IS NULL
                                THEN (SELECT a.appended_at FROM user_actions AS a
                                      WHERE a.xact >= pg_snapshot_xmin(p.delivered::pg_snapshot)
                                        AND a.xact < pg_snapshot_xmax(pg_current_snapshot())
                                        AND NOT pg_visible_in_snapshot(a.xact, p.delivered::pg_snapshot)
                                        AND a.id > coalesce((SELECT floor_id FROM log_origin), 0)
                                      ORDER BY a.xact, a.id LIMIT 1)
                                ELSE (SELECT a.appended_at FROM user_actions AS a
                                      WHERE a.id > p.last_id ORDER BY a.id LIMIT 1) END, now()) AS as_of
           FROM warehouse_generations AS g
           JOIN log_positions AS p ON p.consumer = g.projection AND p.generation = g.generation
           WHERE g.projection = $1 AND g.generation = $2""",
        PROJECTION,
        LIVE,
    )
    if found is None:
        raise WarehouseAway("The warehouse has no tables yet; a consumer makes them")
    number, zone, snapshot, as_of = found
    return Generation(number, zone), Watermark(snapshot, as_of)
