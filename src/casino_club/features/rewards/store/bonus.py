"""Statements about what a user's bonus follows."""

from datetime import datetime

from casino_club.features.rewards.rules.bonus import BonusTerms, Risk
from casino_club.infra.db.database import Db


async def set_terms(db: Db, user_id: int, terms: BonusTerms, *, now: datetime) -> None:
    """From now on these hold."""
    await db.execute(
        """INSERT INTO bonus_terms (user_id, level, risk, set_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (user_id) DO UPDATE
           SET level = excluded.level, risk = excluded.risk, set_at = excluded.set_at""",
        *(user_id, terms.level, terms.risk, now),
    )


async def terms_of(db: Db, user_id: int) -> BonusTerms:
    """What was handed down of the user; the usual, if nothing was."""
    row = await db.fetchrow("SELECT level, risk FROM bonus_terms WHERE user_id = $1", user_id)
    return BonusTerms() if row is None else BonusTerms(row[0], Risk(row[1]))


async def terms_and_streak(db: Db, user_id: int, *, at_us: int, gap_us: int) -> tuple[BonusTerms, int]:
    """The same, and the user's streak as it reads now: 0 once it has been silent for too long."""
    row = await db.fetchrow(
        """SELECT t.level, t.risk, u.streak FROM (VALUES (1)) AS one
           LEFT JOIN bonus_terms AS t ON t.user_id = $1
           LEFT JOIN action_user AS u ON u.user_id = $1 AND $2 - u.last_play_us <= $3""",
        *(user_id, at_us, gap_us),
    )
    assert row is not None
    level, risk, streak = row
    return BonusTerms() if level is None else BonusTerms(level, Risk(risk)), streak or 0
