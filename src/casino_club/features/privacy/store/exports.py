"""Every statement about exports. A user has one at a time; what it holds is sealed under their data key."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.privacy.rules.exports import Export, ExportState
from casino_club.features.privacy.rules.refusals import ExportAsked
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject

_EXPORT = "id, user_id, state, asked_at, tries, progress, error_code, ready_at, expires_at, size_bytes"


async def export_of(db: Db, subject: UserSubject) -> Export | None:
    """The subject's own export."""
    row = await db.fetchrow(f"SELECT {_EXPORT} FROM exports WHERE user_id = $1", subject.user_id)  # noqa: S608 - constant columns
    return None if row is None else _export(row)


async def add_export(db: Db, subject: UserSubject, export_id: UUID, *, now: datetime) -> Export:
    """An export that is asked for, in place of one that is over. Raises `ExportAsked` while one is gathered."""
    await db.execute("DELETE FROM exports WHERE user_id = $1 AND state <> 'asked'", subject.user_id)
    row = await db.fetchrow(
        f"""INSERT INTO exports (id, user_id, state, asked_at) VALUES ($1, $2, 'asked', $3)
            ON CONFLICT (user_id) DO NOTHING RETURNING {_EXPORT}""",  # noqa: S608 - constant columns
        *(export_id, subject.user_id, now),
    )
    if row is None:
        raise ExportAsked
    return _export(row)


async def next_asked(db: Db, *, after_id: UUID) -> Export | None:
    """The next export that is asked for, in the order of ids; this try counts."""
    row = await db.fetchrow(
        f"""UPDATE exports SET tries = tries + 1, progress = NULL
            WHERE id = (SELECT id FROM exports WHERE state = 'asked' AND id > $1 ORDER BY id LIMIT 1)
            RETURNING {_EXPORT}""",  # noqa: S608 - constant columns
        after_id,
    )
    return None if row is None else _export(row)


async def show_progress(db: Db, export_id: UUID, progress: str) -> None:
    """Where the worker is."""
    await db.execute("UPDATE exports SET progress = $2 WHERE id = $1", export_id, progress)


async def save_parts(
    db: Db, export_id: UUID, parts: Sequence[bytes], *, size_bytes: int, expires_at: datetime, now: datetime
) -> bool:
    """Keep the archive, which is ready now; False if nobody wants it any more."""
    ready = await db.execute(
        """UPDATE exports SET state = 'ready', progress = NULL, ready_at = $2, expires_at = $3, size_bytes = $4
           WHERE id = $1 AND state = 'asked'""",
        *(export_id, now, expires_at, size_bytes),
    )
    if ready != "UPDATE 1":
        return False
    await db.executemany(
        "INSERT INTO export_parts (export_id, place, sealed) VALUES ($1, $2, $3)",
        [(export_id, place, part) for place, part in enumerate(parts)],
    )
    return True


async def parts_of(db: Db, subject: UserSubject, export_id: UUID) -> AsyncIterator[bytes]:
    """The subject's own archive, part by part, sealed."""
    place = 0
    while True:
        part = await db.fetchval(
            """SELECT p.sealed FROM export_parts AS p JOIN exports AS e ON e.id = p.export_id
               WHERE e.id = $1 AND e.user_id = $2 AND p.place = $3""",
            *(export_id, subject.user_id, place),
        )
        if part is None:
            return
        yield part
        place += 1


async def fail(db: Db, export_id: UUID, error_code: str) -> None:
    """The export has failed; another one may be asked for."""
    await db.execute(
        "UPDATE exports SET state = 'failed', progress = NULL, error_code = $2 WHERE id = $1 AND state = 'asked'",
        *(export_id, error_code),
    )


async def forget_expired(db: Db, *, now: datetime) -> int:
    """Delete exports that have expired; how many."""
    gone = await db.execute("DELETE FROM exports WHERE expires_at <= $1", now)
    return int(gone.split()[1])


async def forget_of(db: Db, user_id: int) -> None:
    """Delete the user's export."""
    await db.execute("DELETE FROM exports WHERE user_id = $1", user_id)


def _export(row: asyncpg.Record) -> Export:
    return Export(**{**row, "state": ExportState(row["state"])})
