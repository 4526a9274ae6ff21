"""Sessions and their refresh tokens."""

from datetime import datetime

from casino_club.features.identity.rules.people import Session
from casino_club.features.identity.rules.sessions import SESSIONS_LISTED_MAX
from casino_club.features.identity.store.users import roles_of
from casino_club.infra.db.database import Db
from casino_club.infra.http.callers import SessionState
from casino_club.kernel.subject import UserSubject


async def add_session(
    db: Db, subject: UserSubject, *, ends_at: datetime, device: bytes, has_second_factor: bool, now: datetime
) -> int:
    """A session of the subject's; its id."""
    session_id: int = await db.fetchval(
        "INSERT INTO sessions (user_id, began_at, last_used_at, ends_at, device, has_second_factor)"
        " VALUES ($1, $2, $2, $3, $4, $5) RETURNING id",
        *(subject.user_id, now, ends_at, device, has_second_factor),
    )
    return session_id


async def add_refresh_token(db: Db, session_id: int, digest: bytes, *, now: datetime) -> None:
    """Keep the digest of a refresh token."""
    await db.execute(
        "INSERT INTO refresh_tokens (digest, session_id, issued_at) VALUES ($1, $2, $3)", digest, session_id, now
    )


async def use_refresh_token(db: Db, digest: bytes, *, issued_since: datetime, now: datetime) -> int | None:
    """The session of a token that nobody has used yet; from now on it is used. One of two callers gets it."""
    session_id: int | None = await db.fetchval(
        "UPDATE refresh_tokens SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND issued_at > $3"
        " RETURNING session_id",
        *(digest, now, issued_since),
    )
    return session_id


async def session_of_token(db: Db, digest: bytes) -> tuple[int, int] | None:
    """The session that a token belongs to, used or not, and whose it is."""
    row = await db.fetchrow(
        "SELECT sessions.id, user_id FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE digest = $1",
        digest,
    )
    return None if row is None else (row["id"], row["user_id"])


async def touch_session(db: Db, session_id: int, *, now: datetime) -> tuple[int, bool] | None:
    """Note that the session is in use; whose it is, and whether with a second factor. None once it is over."""
    row = await db.fetchrow(
        "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND ended_at IS NULL AND ends_at > $2"
        " RETURNING user_id, has_second_factor",
        *(session_id, now),
    )
    return None if row is None else (row["user_id"], row["has_second_factor"])


async def sessions_of(db: Db, subject: UserSubject, *, now: datetime) -> list[Session]:
    """The subject's own sessions that are not over, the latest first."""
    rows = await db.fetch(
        "SELECT id, user_id, began_at, last_used_at, ends_at, device FROM sessions"
        " WHERE user_id = $1 AND ended_at IS NULL AND ends_at > $2 ORDER BY id DESC LIMIT $3",
        *(subject.user_id, now, SESSIONS_LISTED_MAX),
    )
    return [Session(**row) for row in rows]


async def session_began_at(db: Db, subject: UserSubject) -> datetime | None:
    """When the subject logged in; None for a token that the operator made by hand."""
    began_at: datetime | None = await db.fetchval(
        "SELECT began_at FROM sessions WHERE id = $1 AND user_id = $2", subject.session_id, subject.user_id
    )
    return began_at


async def end_session(db: Db, subject: UserSubject, session_id: int, *, because: str, now: datetime) -> bool:
    """End one of the subject's own; False if there is none to end."""
    ended = await db.execute(
        "UPDATE sessions SET ended_at = $3, ended_because = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL",
        *(session_id, subject.user_id, now, because),
    )
    return bool(ended == "UPDATE 1")


async def end_sessions(db: Db, user_id: int, *, because: str, now: datetime, except_id: int = 0) -> None:
    """End all of a user's sessions, but perhaps one."""
    await db.execute(
        "UPDATE sessions SET ended_at = $3, ended_because = $4 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL",
        *(user_id, except_id, now, because),
    )


async def state_of(db: Db, user_id: int, session_id: int, *, now: datetime) -> SessionState | None:
    """What a session is worth; None once it is over or its user banned. Roles need a second factor.

    Session 0 is of a token made by hand for a number that nobody signed up with: who has an account has sessions.
    """
    if session_id == 0:
        has_account = await db.fetchval("SELECT EXISTS (SELECT FROM users WHERE id = $1)", user_id)
        return None if has_account else SessionState(frozenset())
    row = await db.fetchrow(
        "SELECT users.roles, sessions.has_second_factor FROM sessions JOIN users ON users.id = sessions.user_id"
        " WHERE sessions.id = $1 AND sessions.user_id = $2 AND sessions.ended_at IS NULL AND sessions.ends_at > $3"
        " AND users.banned_at IS NULL",
        *(session_id, user_id, now),
    )
    if row is None:
        return None
    roles = roles_of(row["roles"])
    return SessionState(roles) if row["has_second_factor"] else SessionState(frozenset(), lacks_factor=bool(roles))


async def forget_sessions(db: Db, *, before: datetime, limit: int) -> int:
    """Delete some sessions that were over by then, with their tokens; how many."""
    gone = await db.execute(
        "DELETE FROM sessions WHERE id IN"
        " (SELECT id FROM sessions WHERE ends_at < $1 ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        *(before, limit),
    )
    return int(gone.split()[1])
