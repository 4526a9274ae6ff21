"""Room for the log: partitions by range of ids, made before they are needed."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from casino_club.infra.db.database import Database, Db

ROOM_LOCK = 7_215_502
_BOUNDS = re.compile(r"FROM \('(\d+)'\) TO \('(\d+)'\)")


class NoRoom(Exception):
    """An id was drawn that no partition holds yet."""


class Partition(NamedTuple):
    """The ids from `first_id` up to, but not including, `end_id`."""

    name: str
    first_id: int
    end_id: int


async def partitions_of(db: Db) -> list[Partition]:
    """The partitions of the log, lowest ids first."""
    rows = await db.fetch(
        """SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
           FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'user_actions'::regclass AND NOT i.inhdetachpending"""
    )
    found = []
    for name, bound in rows:
        limits = _BOUNDS.search(bound)
        assert limits is not None, f"{name} is not a partition by range of ids"
        found.append(Partition(name, int(limits[1]), int(limits[2])))
    return sorted(found, key=lambda partition: partition.first_id)


@dataclass(frozen=True, slots=True)
class Log:
    """The log's home, and how much room is kept ready in it."""

    database: Database
    partition_rows: int
    partitions_ahead: int

    async def make_room(self, for_rows: int = 0) -> list[str]:
        """Make the partitions that are missing ahead of the last id; the names of the new ones."""
        rows = self.partition_rows
        async with self.database.transaction() as db:
            await db.execute("SELECT pg_advisory_xact_lock($1)", ROOM_LOCK)
            at_id: int = await db.fetchval("SELECT last_value FROM action_ids")
            ends = [partition.end_id for partition in await partitions_of(db)]
            end_id = max(ends, default=(at_id - 1) // rows * rows + 1)
            made = []
            while end_id <= at_id + for_rows + self.partitions_ahead * rows:
                made.append(await _make(db, Partition(f"user_actions_from_{end_id}", end_id, end_id + rows)))
                end_id += rows
        return made


async def _make(db: Db, partition: Partition) -> str:
    """A table made apart and then attached: creating it in place would lock out every writer for a moment."""
    await db.execute(f"CREATE TABLE {partition.name} (LIKE user_actions INCLUDING ALL)")
    await db.execute(
        f"ALTER TABLE user_actions ATTACH PARTITION {partition.name} "
        f"FOR VALUES FROM ({partition.first_id}) TO ({partition.end_id})"
    )
    return partition.name
