"""Which PostgreSQL cluster the log's transaction numbers belong to. A dump restored elsewhere brings foreign ones."""

from casino_club.infra.db.database import Database
from casino_club.infra.log.reader import NOTHING


async def adopt(database: Database) -> bool:
    """Remember this cluster, or take over a log restored from a dump; True if it was restored.

    Transaction numbers of the old cluster mean nothing here, so rows up to the highest id count as delivered, except
    those that a reader had not had when the dump was taken: they are carried over by id. A reader that was still
    carrying when the log moved again has had none of the rows that came in between.
    """
    async with database.transaction() as db:
        await db.execute("LOCK TABLE log_origin IN EXCLUSIVE MODE")
        here: int = await db.fetchval("SELECT system_identifier FROM pg_control_system()")
        known = await db.fetchrow("SELECT system_identifier, floor_id FROM log_origin")
        if known is not None and known[0] == here:
            return False
        snapshot: str = await db.fetchval("SELECT pg_current_snapshot()::text")
        if known is None:
            await db.execute("INSERT INTO log_origin VALUES ($1, 0, $2)", here, snapshot)
            return False
        floor_id: int = await db.fetchval("SELECT coalesce(max(id), 0) FROM user_actions")
        await db.execute(
            """UPDATE log_positions SET moves = moves + 1, carry_to = $1, judged_id = last_id, judged_to = $1,
                      last_id = CASE WHEN delivered = $3 AND delivering IS NULL THEN last_id ELSE $2 END
               WHERE carry_to IS NULL""",
            floor_id,
            known[1],
            NOTHING,
        )
        await db.execute(
            """UPDATE log_positions SET moves = moves + 1, carry_to = $1, judged_to = coalesce(judged_to, carry_to)
               WHERE carry_to < $1""",
            floor_id,
        )
        await db.execute(
            "UPDATE log_origin SET system_identifier = $1, floor_id = $2, snapshot = $3", here, floor_id, snapshot
        )
    return True
