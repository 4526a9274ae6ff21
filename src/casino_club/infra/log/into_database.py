"""Effects in PostgreSQL: they are there exactly once, since the position moves with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.blame import of_the_subscriber
from casino_club.infra.log.effects import Beside
from casino_club.infra.log.positions import Held
from casino_club.infra.log.reader import Position
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import DatabaseEffect, Policies


@dataclass(frozen=True, slots=True)
class InDatabase:
    """Effect and position are one transaction."""

    database: Database
    policies: Policies
    effect: DatabaseEffect

    async def settle(self, db: Db, held: Held) -> Held:  # noqa: ARG002 - nothing is ever left unfinished
        return held

    def foresee(self, rows: Sequence[LogRow]) -> None:
        """Nothing takes long enough."""

    async def apply(self, held: Held, rows: Sequence[LogRow], after: Position, *, beside: Beside | None = None) -> Held:
        async with self.database.transaction() as db:
            if rows:
                with of_the_subscriber():
                    await self.effect(db, rows, self.policies)
            if beside is not None:
                await beside(db)
            return await positions.move(db, held, after)

    async def apply_apart(self, db: Db, row: LogRow) -> None:
        with of_the_subscriber():
            await self.effect(db, [row], self.policies)
