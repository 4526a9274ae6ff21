"""Statements about the answering clock: one row, which moves while API processes reach the database.

Its time is the database's alone, so that a clock of ours that is wrong ends nobody's duel. If the database's own jumps,
that is an outage: what lies between two beats that are too far apart, or in the wrong order, does not count.
"""

from typing import Final

from casino_club.features.games.rules.duels import Clock
from casino_club.infra.db.database import Db

GAP_MS_MAX: Final = 2_500
"""Beats further apart have an outage between them."""


async def beat(db: Db, *, is_back: bool) -> None:
    """An API process has reached the database. It is back if it has just begun, or did not reach it the last time."""
    await db.execute(
        """WITH passed AS (SELECT (extract(epoch FROM clock_timestamp() - beat_at) * 1000000)::bigint AS us
                           FROM game_clock)
           UPDATE game_clock SET
             beat_at = clock_timestamp(),
             resumed_us = CASE WHEN $1 OR us NOT BETWEEN 0 AND $2::bigint THEN answered_us ELSE resumed_us END,
             answered_us = answered_us + CASE WHEN NOT $1 AND us BETWEEN 0 AND $2 THEN us ELSE 0 END
           FROM passed""",
        *(is_back, GAP_MS_MAX * 1000),
    )


async def clock(db: Db) -> Clock:
    """How long the platform has answered."""
    row = await db.fetchrow("SELECT answered_us, resumed_us FROM game_clock")
    assert row is not None, "there is no answering clock"
    return Clock(*row)
