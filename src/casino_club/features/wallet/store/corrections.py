"""Statements about proposed corrections."""

from datetime import datetime

import asyncpg

from casino_club.features.wallet.rules.correcting import Correction
from casino_club.features.wallet.rules.refusals import CorrectionMissing
from casino_club.infra.db.database import Db


async def add(
    db: Db, tx_id: int, *, because: str, largest_amount: int, by_user_id: int, now: datetime
) -> Correction | None:
    """Propose a correction; None if one is open."""
    row = await db.fetchrow(
        """INSERT INTO ledger_corrections (tx_id, because, largest_amount, proposed_by, proposed_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING *""",
        *(tx_id, because, largest_amount, by_user_id, now),
    )
    return None if row is None else _correction(row)


async def locked(db: Db, correction_id: int) -> Correction:
    """One correction, locked. Raises `CorrectionMissing`."""
    row = await db.fetchrow("SELECT * FROM ledger_corrections WHERE id = $1 FOR UPDATE", correction_id)
    if row is None:
        raise CorrectionMissing
    return _correction(row)


async def settle(
    db: Db, correction_id: int, *, by_user_id: int, now: datetime, correction_tx_id: int | None
) -> Correction:
    """It was carried out by this transaction, or withdrawn."""
    row = await db.fetchrow(
        """UPDATE ledger_corrections SET settled_by = $2, settled_at = $3, correction_tx_id = $4
           WHERE id = $1 RETURNING *""",
        *(correction_id, by_user_id, now, correction_tx_id),
    )
    assert row is not None
    return _correction(row)


async def corrections(db: Db, *, before_id: int | None, is_open: bool | None, limit: int) -> list[Correction]:
    """Corrections, the newest first."""
    rows = await db.fetch(
        """SELECT * FROM ledger_corrections
           WHERE ($1::bigint IS NULL OR id < $1) AND ($2::boolean IS NULL OR (settled_at IS NULL) = $2)
           ORDER BY id DESC LIMIT $3""",
        *(before_id, is_open, limit),
    )
    return [_correction(row) for row in rows]


def _correction(row: asyncpg.Record) -> Correction:
    return Correction(**dict(row))
