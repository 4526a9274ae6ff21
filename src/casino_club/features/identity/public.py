"""What slices above may ask of identity."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.commands.factors import prove
from casino_club.features.identity.rules import refusals
from casino_club.features.identity.rules.refusals import AgeUnproven, UserMissing
from casino_club.features.identity.store import sessions
from casino_club.features.identity.store.ages import ProvenAges
from casino_club.features.identity.store.bars import bar_sign_up
from casino_club.features.identity.store.leaving import pass_over
from casino_club.features.identity.store.users import key_of
from casino_club.features.identity.store.users import set_facts as set_profile_facts
from casino_club.infra.db.database import Db
from casino_club.infra.http.callers import SessionState
from casino_club.infra.passwords import TooManyLogins

__all__ = [
    "PROOF_REFUSALS",
    "AgeUnproven",
    "Desk",
    "ProvenAges",
    "UserMissing",
    "bar_sign_up",
    "end_sessions",
    "find_session",
    "key_of",
    "pass_over",
    "prove",
    "set_profile_facts",
]

PROOF_REFUSALS = (
    refusals.WrongCredentials,
    refusals.FreshLoginNeeded,
    refusals.CodeNeeded,
    refusals.WrongCode,
    refusals.UserMissing,
    refusals.TooManyAttempts,
    TooManyLogins,
)
"""What `prove` may raise."""


async def find_session(db: Db, user_id: int, session_id: int, *, now: datetime) -> SessionState | None:
    """What this session of the user is worth now; None once it is over, or the user banned or gone."""
    if session_id == 0 and await actions.is_erased(db, user_id):
        return None
    return await sessions.state_of(db, user_id, session_id, now=now)


async def end_sessions(db: Db, user_id: int, *, because: str, now: datetime) -> None:
    """Log a user out everywhere; every process refuses their tokens within a second."""
    await sessions.end_sessions(db, user_id, because=because, now=now)
