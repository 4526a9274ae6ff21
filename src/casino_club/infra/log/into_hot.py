"""Effects in the hot store: absolute values, each guarded by the id of its row, so that rows may come again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.blame import of_the_subscriber
from casino_club.infra.log.effects import POSITION_MAY_BE_REPEATED, Beside, HotStoreLost
from casino_club.infra.log.positions import Held
from casino_club.infra.log.reader import Position, last_rows_of
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import HotEffect, Policies
from casino_club.infra.ports import HotStore, HotWrite

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InHotStore:
    """Values first, then the position: each value is guarded by its row, and a mark tells when the store lost some."""

    database: Database
    hot: HotStore
    policies: Policies
    projection: str
    effect: HotEffect
    generation: int
    names: tuple[str, ...]

    async def settle(self, db: Db, held: Held) -> Held:  # noqa: ARG002 - nothing is ever left unfinished
        return held

    def foresee(self, rows: Sequence[LogRow]) -> None:
        """Nothing takes long enough."""

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        await self._write(held, rows)
        async with self.database.transaction(POSITION_MAY_BE_REPEATED if beside is None else "") as db:
            if beside is not None:
                await beside(db)
            return await positions.move(db, held, after)

    async def apply_apart(self, db: Db, row: LogRow) -> None:  # noqa: ARG002 - the values' own guard is enough
        await self.hot.apply_apart(self.projection, self._values([row]))

    async def begin_again(self, held: Held) -> None:
        await self.hot.discard(self.projection, generation=self.generation)
        await self.hot.set_mark(self.projection, held.moves, generation=self.generation)

    async def show(self, db: Db, held: Held) -> bool:
        swapped = await self.hot.swap(
            self.projection, generation=self.generation, names=self.names, last_rows=self._last_rows
        )
        logger.info("swapped", extra={"consumer": self.projection, "users": swapped})
        return await positions.drop(db, self.projection, self.generation, moves=held.moves)

    async def _last_rows(self, users: Sequence[int]) -> dict[int, int]:
        async with self.database.connection() as db:
            return await last_rows_of(db, users)

    def _values(self, rows: Sequence[LogRow]) -> Sequence[HotWrite]:
        with of_the_subscriber():
            return self.effect(rows, self.policies)

    async def _write(self, held: Held, rows: Sequence[LogRow]) -> None:
        if held.moves == 0:
            await self.hot.set_mark(self.projection, 0, generation=self.generation)
        kept = await self.hot.apply(
            self.projection,
            self._values(rows) if rows else (),
            mark=held.moves + 1,
            after_mark=held.moves,
            generation=self.generation,
        )
        if not kept:
            raise HotStoreLost(self.projection)
