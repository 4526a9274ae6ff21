"""Effects in the warehouse, which has no transactions with PostgreSQL: each page leaves its rows there exactly once.

A page is written down with a token, inserted under the token, and then the position moves. Whoever finds a page
written down sends it again first: under the same token, it changes nothing that is there and adds what is not.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import parked, pending, positions, rebuild, taking_over
from casino_club.infra.log.blame import of_the_subscriber
from casino_club.infra.log.detached import DetachedFiles
from casino_club.infra.log.effects import POSITION_MAY_BE_REPEATED, Beside, WarehouseHome
from casino_club.infra.log.pending import Pending
from casino_club.infra.log.positions import Held
from casino_club.infra.log.reader import Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import IntoTable
from casino_club.infra.ports import Block, WarehouseAway, WarehouseFault
from casino_club.infra.warehouse import generations, layouts
from casino_club.infra.warehouse.generations import Generation
from casino_club.infra.warehouse.layouts import Layout
from casino_club.kernel.clock import Calendar

NUMBERS_TRIED_MAX = 1_000
BLOCK_MB_MAX = 32


class BlockTooLarge(Exception):
    """A page takes more than the warehouse should be given at once, and has to be cut."""


class Foreseen(NamedTuple):
    """Rows that are being turned into columns before they are applied, and the calendar of their days."""

    rows: Sequence[LogRow]
    calendar: Calendar
    block: "Future[Block]"


@dataclass
class InWarehouse:
    """The effect of one projection in one of its generations."""

    database: Database
    files: DetachedFiles
    home: WarehouseHome
    projection: str
    into: IntoTable
    generation: int
    filled: Generation | None = None
    calendar: Calendar | None = None
    foreseen: Foreseen | None = None
    turning: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "columns"))
    """Where rows are turned into columns: the event loop has other things to do meanwhile."""

    async def settle(self, db: Db, held: Held) -> Held:
        self.foreseen = None
        await self.make_tables(db, taking_over_to=0 if held.generation == positions.LIVE else held.position.last_id)
        found = await pending.find(db, held)
        if found is None:
            return held
        rows = await pending.rows_of(db, self.files, found)
        try:
            block = self._block(rows)
        except Exception as failure:
            raise WarehouseAway(f"Page {found.token} was sent and can't be sent again: {failure!r}") from failure
        await self._insert(block, found.token)
        return await self._arrived(held, found.after)

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        if rows:
            token = self._token(f"{self.generation}.{held.moves}")
            block = await asyncio.wrap_future(self._begun(rows))
            if len(block.data) > BLOCK_MB_MAX * 1024**2 and len(rows) > 1:
                raise BlockTooLarge(f"{len(rows)} rows take {len(block.data) // 1024**2} MB")
            async with self.database.transaction() as db:
                await pending.note(db, held, Pending(token, pending.runs_of(rows), after))
            await self._insert(block, token)
        return await self._arrived(held, after, beside)

    async def apply_apart(self, db: Db, row: LogRow) -> None:
        await self.make_tables(db)
        await self._insert(self._block([row]), self._token(f"row.{row.id}"))

    async def begin_again(self, held: Held) -> None:  # noqa: ARG002 - tokens are bound to tables, not to positions
        """The tables are made when the position is settled."""
        async with self.database.transaction() as db:
            await generations.retire(db, self.projection, self.generation)
            await pending.forget(db, self.projection, self.generation)
        await self._drop_retired()

    async def show(self, db: Db, held: Held) -> bool:
        """The live position becomes the one that was built to. What could be built is parked no more."""
        async with self.database.transaction() as db:
            if not await positions.take_place_of_live(db, held):
                return False
            begun_at = await generations.show(db, self.projection, self.generation)
            await pending.forget(db, self.projection, positions.LIVE)
            await parked.release_parked_before(db, self.projection, begun_at)
        await self._drop_retired()
        return True

    def foresee(self, rows: Sequence[LogRow]) -> None:
        """The next page is turned into columns while the warehouse takes the one before it."""
        assert self.calendar is not None, "settle comes first"
        self.foreseen = Foreseen(rows, self.calendar, self.turning.submit(self._block, rows))

    def _begun(self, rows: Sequence[LogRow]) -> "Future[Block]":
        """These rows on their way to be a block; begun before, if they were foreseen and days are the same."""
        found = self.foreseen
        if found is None or found.rows is not rows or found.calendar is not self.calendar:
            return self.turning.submit(self._block, rows)
        self.foreseen = None
        return found.block

    def _block(self, rows: Sequence[LogRow]) -> Block:
        assert self.calendar is not None, "settle comes first"
        with of_the_subscriber():
            return self.into.effect(rows, self.calendar)

    def _token(self, suffix: str) -> str:
        """Of this generation's tables alone, and never used for anything else."""
        assert self.filled is not None, "settle comes first"
        return f"{self.filled.number}.{suffix}"

    async def _insert(self, block: Block, token: str) -> None:
        """A refusal is no row's fault either: once a page is noted, nothing but this page may be sent."""
        assert self.filled is not None
        try:
            await self.home.store.insert(self.into.table, block, database=self._name(self.filled), token=token)
        except WarehouseFault as fault:
            raise WarehouseAway(f"The warehouse refuses a page of {self.projection}: {fault}") from fault

    async def _arrived(self, held: Held, after: Position, beside: Beside | None = None) -> Held:
        async with self.database.transaction("" if beside else POSITION_MAY_BE_REPEATED) as db:
            if beside is not None:
                await beside(db)
            moved = await positions.move(db, held, after)
            await pending.forget(db, self.projection, self.generation)
            return moved

    async def make_tables(self, db: Db, *, taking_over_to: int = 0) -> list[str]:
        """Find the generation's tables, made or changed as this version wants them; the files that ran for it."""
        try:
            self.filled, ran = await self._made(db, taking_over_to)
        except WarehouseFault as fault:
            raise WarehouseAway(f"The tables of {self.projection} can't be made: {fault}") from fault
        self.calendar = Calendar(self.filled.zone)
        return ran

    async def _made(self, db: Db, taking_over_to: int) -> tuple[Generation, list[str]]:
        """The generation, its tables there. Those that are lost are made again, empty, and a rebuild is asked for.

        A rebuild that begins behind an id takes over what the live tables hold up to it.
        """
        found = await generations.find(db, self.projection, self.generation)
        if found is None:
            live = await generations.find(db, self.projection) if taking_over_to else None
            store, table, to_id = self.home.store, self.into.table, taking_over_to
            if live is not None:
                database = self._name(live)
                await taking_over.check(
                    db, store, consumer=self.projection, database=database, table=table, to_id=to_id
                )
            new = await self._unused(db)
            ran = await layouts.apply(store, self._layout, self._name(new))
            if live is not None:
                await layouts.take_over(store, table, database, self._name(new), to_id=to_id, zone=new.zone)
            return await generations.begin(db, self.projection, self.generation, new), ran
        is_lost = not await layouts.is_there(self.home.store, self._name(found))
        ran = await layouts.apply(self.home.store, self._layout, self._name(found))
        if is_lost:
            await rebuild.ask_again(db, self.projection)
        elif found.zone != self.home.zone:
            await rebuild.ask(db, self.projection)
        return found, ran

    async def _unused(self, db: Db) -> Generation:
        """PostgreSQL may have been restored from a dump that knows less than the warehouse does."""
        for _ in range(NUMBERS_TRIED_MAX):
            new = Generation(await generations.next_number(db), self.home.zone)
            if not await layouts.is_there(self.home.store, self._name(new)):
                return new
        raise WarehouseAway(f"{NUMBERS_TRIED_MAX} databases named {self.home.store.database}_… are in the way")

    async def _drop_retired(self) -> None:
        """Cut short, it is done when the next rebuild begins."""
        async with self.database.connection() as db:
            for each in await generations.retired(db, self.projection):
                await layouts.drop(self.home.store, self._layout, self._name(each))
                await generations.forget(db, self.projection, each.number)

    @property
    def _layout(self) -> Layout:
        return Layout(self.into.package, self.home.cluster)

    def _name(self, generation: Generation) -> str:
        return generation.database(self.home.store.database)
