"""Ending the duels whose time is up, each in a transaction of its own."""

import logging
from datetime import datetime
from functools import partial
from typing import Final

from casino_club.features.actions.public import UserGone
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.dueling import lapse_late
from casino_club.features.games.store import answering
from casino_club.features.games.store import duels as store
from casino_club.infra.db.database import Database

logger = logging.getLogger(__name__)

DUELS_AT_ONCE: Final = 100


async def lapse_all(database: Database, desk: GameDesk, *, now: datetime, at_once: int = DUELS_AT_ONCE) -> None:
    """End every duel that is late."""
    after = 0
    while True:
        async with database.connection() as db:
            clock = await answering.clock(db)
            page = await store.late_duels(db, clock, desk.duels, after=after, limit=at_once)
        for duel in page:
            try:
                await database.run(partial(lapse_late, desk=desk, duel_id=duel.duel_id, now=now))
            except UserGone:
                # Their erasure, which has begun, ends it.
                logger.info("a duel waits for an erasure", extra={"duel": str(duel.duel_id)})
        if len(page) < at_once:
            return
        after = page[-1].number
