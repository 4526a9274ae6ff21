"""All that the log holds of one user, from its files and from its table, oldest first."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from casino_club.infra.db.database import Database
from casino_club.infra.log.detached import DetachedFiles, FilesMissing, detached_after
from casino_club.infra.log.reader import rows_of_user
from casino_club.infra.log.rows import LogRow

PAGE_ROWS = 1_000


async def rows_of(database: Database, files: DetachedFiles, user_id: int) -> AsyncGenerator[Sequence[LogRow], None]:
    """Pages of the user's rows. Raises FilesMissing rather than leave out what lies in a file that is gone."""
    after_id = 0
    async with database.connection() as db:
        detached = await detached_after(db)
    if missing := [each for each in detached if not files.has(each.file)]:
        raise FilesMissing(missing)
    for each in detached:
        async with aclosing(files.pages(each.file, after_id=after_id, rows_max=PAGE_ROWS, user_id=user_id)) as pages:
            async for rows in pages:
                yield rows
        after_id = each.last_id
    while True:
        async with database.connection() as db:
            rows = await rows_of_user(db, user_id, after_id=after_id, limit=PAGE_ROWS)
        if rows:
            yield rows
        if len(rows) < PAGE_ROWS:
            return
        after_id = rows[-1].id
