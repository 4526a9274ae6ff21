"""How far each import of a file into the log has come, so that one that was cut goes on where it stopped.

An import is known by its namespace and the digest of its file. It notes its place in the transaction of its rows.
"""

from datetime import datetime
from typing import NamedTuple

import asyncpg
import msgspec

from casino_club.infra.db.database import Db
from casino_club.kernel.errors import Kind, Refused

IMPORT_LOCK = 7_215_504


class ImportTaken(Refused):
    """Another process imports the same file."""

    code = "import_under_way"
    kind = Kind.CONFLICT


class FileOf(NamedTuple):
    """What tells imports apart: in whose name, and of which file."""

    namespace: int
    digest: bytes


class Import(msgspec.Struct, frozen=True):
    """An import as it was last noted."""

    id: int
    mapping_digest: bytes
    line: int
    refused_bytes: int
    report: str
    began_at: datetime
    ended_at: datetime | None


_COLUMNS = "id, mapping_digest, line, refused_bytes, report, began_at, ended_at"


async def find(db: Db, which: FileOf) -> Import | None:
    """The import of this file, if it was ever begun."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM imports WHERE namespace = $1 AND file_digest = $2",  # noqa: S608 - constant columns
        *which,
    )
    return _import(row)


async def find_cut(db: Db, which: FileOf, *, file: str) -> Import | None:
    """An import of this name that has not come to its end, begun when the file held something else."""
    row = await db.fetchrow(
        f"""SELECT {_COLUMNS} FROM imports
            WHERE namespace = $1 AND file_digest <> $2 AND file = $3 AND ended_at IS NULL AND line > 0
            ORDER BY moved_at DESC LIMIT 1""",  # noqa: S608 - constant columns
        *which,
        file,
    )
    return _import(row)


async def forget_cut(db: Db, which: FileOf, *, file: str) -> None:
    """Give up those of this name that were begun with something else: nobody goes on with them."""
    await db.execute(
        "DELETE FROM imports WHERE namespace = $1 AND file_digest <> $2 AND file = $3 AND ended_at IS NULL",
        *which,
        file,
    )


async def begin(db: Db, which: FileOf, *, mapping_digest: bytes, file: str, now: datetime) -> Import:
    """Begin at the first line, whatever was noted before."""
    row = await db.fetchrow(
        f"""INSERT INTO imports (namespace, file_digest, mapping_digest, file, line, refused_bytes, report,
                                 began_at, moved_at)
            VALUES ($1, $2, $3, $4, 0, 0, '', $5, $5)
            ON CONFLICT (namespace, file_digest) DO UPDATE SET
                (mapping_digest, file, line, refused_bytes, report, began_at, moved_at, ended_at)
                = ROW (excluded.mapping_digest, excluded.file, 0, 0, '', $5, $5, NULL)
            RETURNING {_COLUMNS}""",  # noqa: S608 - constant columns
        *which,
        mapping_digest,
        file,
        now,
    )
    begun = _import(row)
    assert begun is not None
    return begun


async def move(
    db: Db, import_id: int, *, from_line: int, to_line: int, refused_bytes: int, report: str, now: datetime
) -> None:
    """Note that everything up to a line is done. Raises ImportTaken if somebody else has gone on from there."""
    moved = await db.fetchval(
        """UPDATE imports SET line = $3, refused_bytes = $4, report = $5, moved_at = $6
           WHERE id = $1 AND line = $2 RETURNING id""",
        import_id,
        from_line,
        to_line,
        refused_bytes,
        report,
        now,
    )
    if moved is None:
        raise _taken()


async def end(db: Db, import_id: int, *, now: datetime) -> None:
    """Note that the file was read to its end."""
    await db.execute("UPDATE imports SET ended_at = $2 WHERE id = $1", import_id, now)


async def hold(db: Db, which: FileOf) -> None:
    """Keep others from importing this file as long as this connection lives. Raises ImportTaken."""
    number = int.from_bytes(which.digest[:4], signed=True) ^ which.namespace
    if not await db.fetchval("SELECT pg_try_advisory_lock($1, $2)", IMPORT_LOCK, number):
        raise _taken()


async def let_go(db: Db) -> None:
    """The opposite of `hold`."""
    await db.execute("SELECT pg_advisory_unlock_all()")


def _taken() -> ImportTaken:
    return ImportTaken("Another process imports the same file; let it end, or end it.")


def _import(row: asyncpg.Record | None) -> Import | None:
    return None if row is None else Import(*row)
