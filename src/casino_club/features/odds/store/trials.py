"""Statements about trials."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from casino_club.features.odds.rules.refusals import TrialRuns
from casino_club.features.odds.rules.versions import Version
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Trial:
    """An approved table beside the live one."""

    id: int
    product: str
    challenger: str
    share_permille: int
    began_at: datetime
    ended_at: datetime | None


async def add(db: Db, version: Version, *, share_permille: int, by: str, now: datetime) -> int:
    """A trial that begins now; its id. Raises `TrialRuns`."""
    try:
        trial_id: int = await db.fetchval(
            """INSERT INTO odds_trials (product, challenger_id, share_permille, began_by, began_at)
               VALUES ($1, $2, $3, $4, $5) RETURNING id""",
            *(version.product, version.id, share_permille, by, now),
        )
    except asyncpg.UniqueViolationError:
        raise TrialRuns from None
    return trial_id


async def end(db: Db, trial_id: int, *, now: datetime) -> bool:
    """End it; False if it does not run."""
    done = await db.execute("UPDATE odds_trials SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", trial_id, now)
    return bool(done == "UPDATE 1")


async def trial_of(db: Db, trial_id: int) -> Trial | None:
    """One trial."""
    row = await db.fetchrow(
        """SELECT t.id, t.product, v.digest AS challenger, t.share_permille, t.began_at, t.ended_at
           FROM odds_trials AS t JOIN odds_versions AS v ON v.id = t.challenger_id WHERE t.id = $1""",
        trial_id,
    )
    return None if row is None else Trial(**dict(row))
