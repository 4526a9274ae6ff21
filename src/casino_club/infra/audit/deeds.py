"""The door of the audit: one row for a deed, in the transaction of its effect, so that neither is there alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from casino_club.infra.audit.chain import BEFORE_THE_FIRST, Arguments, Deed, hash_of
from casino_club.infra.db.database import Db
from casino_club.infra.telemetry.logs import request_id, without_private_text
from casino_club.kernel.subject import Actor, Operator, ServiceSubject, UserSubject

COMMAND_LINE: Final = "operator@command line"
ARGUMENTS_LENGTH_MAX: Final = 4_000

_LOCK: Final = 0x64656564  # one deed at a time, until its transaction ends: the chain has no branches


async def note(db: Db, by: Actor, verb: str, target: str, arguments: Arguments | None = None, *, now: datetime) -> None:
    """Append a deed to the audit: who did what (`ban_user`) on what (`user:7`), and how.

    Call it once per deed, last in the transaction of its effect: other deeds wait until that ends. A deed of several
    transactions is noted in the first. The request id is known already; pass nothing personal and no secret.
    """
    await _append(db, by, verb, target, arguments or {}, refused_as=None, now=now)


async def note_refused(db: Db, by: Actor, verb: str, *, refused_as: str, now: datetime) -> None:
    """Append that somebody tried what they may not."""
    await _append(db, by, verb, "", {}, refused_as=refused_as, now=now)


async def _append(
    db: Db, by: Actor, verb: str, target: str, arguments: Arguments, *, refused_as: str | None, now: datetime
) -> None:
    kept = {name: _without_private_text(value) for name, value in arguments.items()}
    assert len(msgspec.json.encode(kept)) <= ARGUMENTS_LENGTH_MAX, f"the arguments of {verb} are no document"
    session_id = by.session_id if isinstance(by, UserSubject) else 0
    await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    last_id, previous = await head(db)
    deed = Deed(last_id + 1, now, named(by), session_id, verb, target, kept, refused_as, request_id.get())
    await db.execute(
        "INSERT INTO deeds (id, at, actor, session_id, verb, target, arguments, refused_as, request_id, hash)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *deed._replace(arguments=msgspec.json.encode(kept).decode()),  # type: ignore[arg-type]  # as asyncpg takes JSON
        hash_of(deed, previous),
    )


def named(by: Actor) -> str:
    """How the audit writes who did it."""
    match by:
        case UserSubject(user_id=user_id):
            return f"user:{user_id}"
        case ServiceSubject(key_id=key_id):
            return f"service_key:{key_id}"
        case Operator():
            return COMMAND_LINE


async def head(db: Db) -> tuple[int, bytes]:
    """Id and hash of the last deed."""
    row = await db.fetchrow("SELECT id, hash FROM deeds ORDER BY id DESC LIMIT 1")
    return (0, BEFORE_THE_FIRST) if row is None else (row["id"], row["hash"])


async def listed(
    db: Db,
    *,
    actor: str | None = None,
    verb: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Deed]:
    """Deeds, the newest first. `until` is not part of the period."""
    rows = await db.fetch(
        """SELECT * FROM deeds
            WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR verb = $2)
              AND ($3::text IS NULL OR target = $3) AND ($4::timestamptz IS NULL OR at >= $4)
              AND ($5::timestamptz IS NULL OR at < $5) AND ($6::bigint IS NULL OR id < $6)
            ORDER BY id DESC LIMIT $7""",
        *(actor, verb, target, since, until, before_id, limit),
    )
    return [_deed(row) for row in rows]


async def following(db: Db, *, after_id: int, limit: int) -> list[tuple[Deed, bytes]]:
    """Deeds with their hashes, the oldest first."""
    rows = await db.fetch("SELECT * FROM deeds WHERE id > $1 ORDER BY id LIMIT $2", after_id, limit)
    return [(_deed(row), row["hash"]) for row in rows]


def _deed(row: asyncpg.Record) -> Deed:
    kept = {name: row[name] for name in Deed._fields}
    return Deed(**{**kept, "arguments": msgspec.json.decode(row["arguments"])})


def _without_private_text(value: str | int | bool | Sequence[str] | None) -> Any:
    if isinstance(value, str):
        return without_private_text(value)
    if isinstance(value, Sequence):
        return [without_private_text(each) for each in value]
    return value
