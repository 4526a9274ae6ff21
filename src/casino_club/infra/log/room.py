"""How much room the log has ahead of its last id."""

from typing import NamedTuple

from casino_club.infra.db.database import Db
from casino_club.infra.log.partitions import partitions_of


class Room(NamedTuple):
    """The last id drawn, and the first one that no partition holds."""

    partitions: int
    last_id: int
    end_id: int

    @property
    def ids_ahead(self) -> int:
        return max(0, self.end_id - 1 - self.last_id)


async def room_ahead(db: Db) -> Room:
    """The room that is ready now."""
    partitions = await partitions_of(db)
    last_id: int = await db.fetchval("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM action_ids")
    return Room(len(partitions), last_id, max((each.end_id for each in partitions), default=0))
