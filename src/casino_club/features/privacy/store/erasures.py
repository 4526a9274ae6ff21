"""Every statement about erasures."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.privacy.rules.erasures import Erasure, ErasureState
from casino_club.features.privacy.rules.refusals import ErasureAsked
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject

_ERASURE = "id, user_id, state, receipt_digest, asked_at, due_at, row_id, begun_at, done_at, noted"


async def add_erasure(
    db: Db, erasure_id: UUID, user_id: int, *, receipt_digest: bytes | None, due_at: datetime, now: datetime
) -> Erasure:
    """An erasure that is asked for. Raises `ErasureAsked` if the user has one that was not taken back."""
    row = await db.fetchrow(
        f"""INSERT INTO erasures (id, user_id, state, receipt_digest, asked_at, due_at)
            VALUES ($1, $2, 'asked', $3, $4, $5)
            ON CONFLICT (user_id) WHERE state <> 'taken_back' DO NOTHING RETURNING {_ERASURE}""",  # noqa: S608 - constant columns
        *(erasure_id, user_id, receipt_digest, now, due_at),
    )
    if row is None:
        raise ErasureAsked
    return _erasure(row)


async def erasure_of(db: Db, subject: UserSubject) -> Erasure | None:
    """The subject's own erasure, unless it was taken back."""
    row = await db.fetchrow(
        f"SELECT {_ERASURE} FROM erasures WHERE user_id = $1 AND state <> 'taken_back'",  # noqa: S608 - constant columns
        subject.user_id,
    )
    return None if row is None else _erasure(row)


async def erasure_by_code(db: Db, receipt_digest: bytes) -> Erasure | None:
    """The erasure that this receipt code is of."""
    row = await db.fetchrow(f"SELECT {_ERASURE} FROM erasures WHERE receipt_digest = $1", receipt_digest)  # noqa: S608 - constant columns
    return None if row is None else _erasure(row)


async def take_back(db: Db, subject: UserSubject) -> bool:
    """Take the subject's own erasure back; False if there is none, or it has begun."""
    gone = await db.execute(
        "UPDATE erasures SET state = 'taken_back' WHERE user_id = $1 AND state = 'asked'", subject.user_id
    )
    return bool(gone == "UPDATE 1")


async def restore(
    db: Db,
    erasure_id: UUID,
    user_id: int,
    *,
    state: ErasureState,
    receipt_digest: bytes | None,
    asked_at: datetime,
    due_at: datetime,
    noted: str,
) -> None:
    """Bring an erasure to where the journal says that it was."""
    await db.execute(
        """INSERT INTO erasures AS e (id, user_id, state, receipt_digest, asked_at, due_at, noted)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE
           SET state = excluded.state, due_at = excluded.due_at, noted = excluded.noted
           WHERE e.state IN ('asked', 'taken_back')""",
        *(erasure_id, user_id, state, receipt_digest, asked_at, due_at, noted),
    )


async def hurry(db: Db, user_id: int, *, now: datetime) -> None:
    """Let an erasure that waits be due now."""
    await db.execute("UPDATE erasures SET due_at = $2 WHERE user_id = $1 AND state = 'asked'", user_id, now)


async def begin(db: Db, erasure_id: UUID, *, row_id: int, now: datetime) -> bool:
    """From now on there is no way back; False if it was taken back in the meantime."""
    begun = await db.execute(
        "UPDATE erasures SET state = 'begun', row_id = $2, begun_at = $3 WHERE id = $1 AND state = 'asked'",
        *(erasure_id, row_id, now),
    )
    return bool(begun == "UPDATE 1")


async def due(db: Db, *, now: datetime, after: tuple[datetime, UUID], limit: int) -> list[Erasure]:
    """Erasures that are due and not done, the longest due first, of those behind a place in that order."""
    rows = await db.fetch(
        f"""SELECT {_ERASURE} FROM erasures
            WHERE state IN ('asked', 'begun') AND due_at <= $1 AND (due_at, id) > ($2, $3)
            ORDER BY due_at, id LIMIT $4""",  # noqa: S608 - constant columns
        *(now, *after, limit),
    )
    return [_erasure(row) for row in rows]


async def unfinished(db: Db, *, limit: int) -> list[Erasure]:
    """Erasures that are asked for or under way, the longest due first."""
    rows = await db.fetch(
        f"SELECT {_ERASURE} FROM erasures WHERE state IN ('asked', 'begun') ORDER BY due_at, id LIMIT $1",  # noqa: S608 - constant columns
        limit,
    )
    return [_erasure(row) for row in rows]


async def waits_seconds(db: Db, *, now: datetime) -> float:
    """How long the erasure that is due the longest has waited to be done; 0 if none is due."""
    due_at: datetime | None = await db.fetchval(
        "SELECT min(due_at) FROM erasures WHERE state IN ('asked', 'begun') AND due_at < $1", now
    )
    return 0.0 if due_at is None else (now - due_at).total_seconds()


async def by_ids(db: Db, ids: Sequence[UUID]) -> dict[UUID, Erasure]:
    """Those of these erasures that the database knows."""
    rows = await db.fetch(f"SELECT {_ERASURE} FROM erasures WHERE id = ANY($1)", ids)  # noqa: S608 - constant columns
    return {row["id"]: _erasure(row) for row in rows}


async def confirm(db: Db, erasure_id: UUID, store: str, *, now: datetime) -> None:
    """Write down that nothing of the user is left in this store."""
    await db.execute(
        "INSERT INTO erasure_receipts (erasure_id, store, confirmed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        *(erasure_id, store, now),
    )


async def confirmed(db: Db, erasure_id: UUID) -> dict[str, datetime]:
    """Which stores have confirmed, and when."""
    rows = await db.fetch(
        "SELECT store, confirmed_at FROM erasure_receipts WHERE erasure_id = $1 ORDER BY confirmed_at, store",
        erasure_id,
    )
    return {row[0]: row[1] for row in rows}


async def settle(db: Db, erasure_id: UUID, stores: Sequence[str], *, now: datetime) -> bool:
    """The erasure is done, if every one of these stores has confirmed."""
    settled = await db.execute(
        """UPDATE erasures SET state = 'done', done_at = $3 WHERE id = $1 AND state = 'begun'
           AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS wanted (store)
                           WHERE store NOT IN (SELECT r.store FROM erasure_receipts AS r WHERE r.erasure_id = $1))""",
        *(erasure_id, stores, now),
    )
    return bool(settled == "UPDATE 1")


async def unnoted(db: Db, *, limit: int) -> list[Erasure]:
    """Erasures whose last change the journal has not been told."""
    rows = await db.fetch(
        f"""SELECT {_ERASURE} FROM erasures
            WHERE noted IS DISTINCT FROM replace(state, 'done', 'begun') ORDER BY asked_at, id LIMIT $1""",  # noqa: S608 - constant columns
        limit,
    )
    return [_erasure(row) for row in rows]


async def note(db: Db, erasure_id: UUID, change: str) -> None:
    """Remember that the journal has been told of this change."""
    await db.execute("UPDATE erasures SET noted = $2 WHERE id = $1", erasure_id, change)


def _erasure(row: asyncpg.Record) -> Erasure:
    return Erasure(**{**row, "state": ErasureState(row["state"])})
