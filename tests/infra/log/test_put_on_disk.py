"""Before a snapshot leaves PostgreSQL, whatever it shows is on disk, waited for or not."""

from casino_club.infra.db.database import Database
from casino_club.infra.log.reader import put_on_disk


async def test_what_nobody_waited_for_is_on_disk_and_any_account_may_see_to_it(database: Database) -> None:
    async with database.transaction("SET LOCAL synchronous_commit = off") as db:
        await db.execute("CREATE ROLE nobody_special; CREATE TABLE written (id int); INSERT INTO written VALUES (1)")
    async with database.connection() as db:
        written_to = await db.fetchval("SELECT pg_current_wal_insert_lsn()::text")

        await db.execute("SET ROLE nobody_special")
        await put_on_disk(db)

        await db.execute("RESET ROLE; DROP ROLE nobody_special")
        assert await db.fetchval("SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn", written_to)
