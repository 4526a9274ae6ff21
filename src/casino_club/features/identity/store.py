"""Every statement about users, what is sealed of them, sessions and attempts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import asyncpg

from casino_club.features.identity.rules.ages import AgeCheck
from casino_club.features.identity.rules.people import Account, Session, UserFacts
from casino_club.features.identity.rules.refusals import EmailTaken, UserMissing
from casino_club.features.identity.rules.sessions import SESSIONS_LISTED_MAX, check_reads
from casino_club.infra.db.database import Db
from casino_club.infra.vault import DataKey, Vault
from casino_club.kernel.subject import Role, UserSubject

USERS_LISTED_MAX = 1_000


# Users and what is sealed of them.


async def add_user(db: Db, *, email_hash: bytes, password_hash: str, now: datetime) -> int:
    """A new user; their id. Raises `EmailTaken`."""
    user_id: int = await db.fetchval("INSERT INTO users (created_at) VALUES ($1) RETURNING id", now)
    try:
        await db.execute(
            "INSERT INTO credentials (user_id, email_hash, password_hash) VALUES ($1, $2, $3)",
            *(user_id, email_hash, password_hash),
        )
    except asyncpg.UniqueViolationError:
        raise EmailTaken from None
    return user_id


async def add_key(db: Db, user_id: int, wrapped_key: bytes) -> None:
    """Keep a new user's data key, wrapped."""
    await db.execute("INSERT INTO user_keys (user_id, wrapped_key) VALUES ($1, $2)", user_id, wrapped_key)


async def key_of(db: Db, subject: UserSubject, user_id: int, *, vault: Vault) -> DataKey:
    """The user's data key. Raises `UserMissing` where there is none, or none for this subject."""
    check_reads(subject, user_id)
    wrapped = await db.fetchval("SELECT wrapped_key FROM user_keys WHERE user_id = $1", user_id)
    if wrapped is None:
        raise UserMissing
    return vault.open_key(user_id, wrapped)


async def save_data(db: Db, subject: UserSubject, key: DataKey, data: Mapping[str, str]) -> None:
    """Seal these fields of the subject's own and keep them, in place of what they held."""
    await db.executemany(
        "INSERT INTO user_data (user_id, field, sealed) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, field) DO UPDATE SET sealed = excluded.sealed",
        [(subject.user_id, field, key.seal(field, text)) for field, text in data.items()],
    )


async def data_of(
    db: Db, subject: UserSubject, user_id: int, fields: Collection[str], *, key: DataKey
) -> dict[str, str]:
    """These fields of a user, readable; those that were never kept are left out."""
    check_reads(subject, user_id)
    rows = await db.fetch(
        "SELECT field, sealed FROM user_data WHERE user_id = $1 AND field = ANY($2)", user_id, list(fields)
    )
    return {row["field"]: key.open(row["field"], row["sealed"]) for row in rows}


async def facts_of(db: Db, subject: UserSubject, user_id: int) -> UserFacts:
    """What stands in clear about a user."""
    check_reads(subject, user_id)
    row = await db.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
    if row is None:
        raise UserMissing
    return _facts(row)


async def users_listed(db: Db, *, after_id: int, only_staff: bool, limit: int = USERS_LISTED_MAX) -> list[UserFacts]:
    """Users in the order of their ids: nothing personal."""
    rows = await db.fetch(
        "SELECT * FROM users WHERE id > $1 AND (NOT $2 OR roles <> '{}') ORDER BY id LIMIT $3",
        *(after_id, only_staff, limit),
    )
    return [_facts(row) for row in rows]


async def set_facts(db: Db, user_id: int, *, vip_tier: int, battlepass_level: int, total_spent: int) -> None:
    """Keep what slices above know of the user's profile."""
    await db.execute(
        "UPDATE users SET vip_tier = $2, battlepass_level = $3, total_spent = $4 WHERE id = $1",
        *(user_id, vip_tier, battlepass_level, total_spent),
    )


# Credentials, roles and bans.


async def account_by_email(db: Db, email_hash: bytes) -> Account | None:
    """Whose address this is."""
    row = await db.fetchrow(f"{_ACCOUNT} WHERE credentials.email_hash = $1", email_hash)
    return None if row is None else _account(row)


async def account_of(db: Db, subject: UserSubject) -> Account:
    """The subject's own account."""
    row = await db.fetchrow(f"{_ACCOUNT} WHERE users.id = $1", subject.user_id)
    if row is None:
        raise UserMissing
    return _account(row)


async def lock_account(db: Db, user_id: int) -> Account | None:
    """The same, and nobody else changes it until the transaction ends."""
    row = await db.fetchrow(f"{_ACCOUNT} WHERE users.id = $1 FOR NO KEY UPDATE", user_id)
    return None if row is None else _account(row)


async def set_password(db: Db, subject: UserSubject, password_hash: str) -> None:
    """Put this in place of the old hash."""
    await db.execute("UPDATE credentials SET password_hash = $2 WHERE user_id = $1", subject.user_id, password_hash)


async def set_roles(db: Db, user_id: int, roles: Collection[Role]) -> None:
    """These roles and no others."""
    updated = await db.execute("UPDATE users SET roles = $2 WHERE id = $1", user_id, sorted(roles))
    if updated == "UPDATE 0":
        raise UserMissing


async def set_banned(db: Db, user_id: int, banned_at: datetime | None) -> None:
    """Keep the user out since then, or no more."""
    updated = await db.execute("UPDATE users SET banned_at = $2 WHERE id = $1", user_id, banned_at)
    if updated == "UPDATE 0":
        raise UserMissing


# Sessions and their refresh tokens.


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


async def live_roles(db: Db, user_id: int, session_id: int, *, now: datetime) -> frozenset[Role] | None:
    """The roles that a session may use; None once it is over or its user banned.

    Roles need a second factor. Session 0 is a token that the operator made by hand: it has no roles.
    """
    if session_id == 0:
        is_banned = await db.fetchval("SELECT banned_at IS NOT NULL FROM users WHERE id = $1", user_id)
        return None if is_banned else frozenset()
    row = await db.fetchrow(
        "SELECT users.roles, sessions.has_second_factor FROM sessions JOIN users ON users.id = sessions.user_id"
        " WHERE sessions.id = $1 AND sessions.user_id = $2 AND sessions.ended_at IS NULL AND sessions.ends_at > $3"
        " AND users.banned_at IS NULL",
        *(session_id, user_id, now),
    )
    if row is None:
        return None
    return _roles(row["roles"]) if row["has_second_factor"] else frozenset()


async def forget_sessions(db: Db, *, before: datetime, limit: int) -> int:
    """Delete some sessions that were over by then, with their tokens; how many."""
    gone = await db.execute(
        "DELETE FROM sessions WHERE id IN"
        " (SELECT id FROM sessions WHERE ends_at < $1 ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        *(before, limit),
    )
    return int(gone.split()[1])


# Second factors.


async def begin_factor(db: Db, subject: UserSubject) -> bool:
    """A second factor that the subject has yet to confirm; False if they have a confirmed one."""
    begun = await db.execute(
        "INSERT INTO second_factors AS f (user_id) VALUES ($1)"
        " ON CONFLICT (user_id) DO UPDATE SET last_step = 0 WHERE f.confirmed_at IS NULL",
        subject.user_id,
    )
    return bool(begun == "INSERT 0 1")


async def confirm_factor(db: Db, subject: UserSubject, *, step: int, now: datetime) -> bool:
    """The subject's factor counts from now on; False if there is none to confirm."""
    confirmed = await db.execute(
        "UPDATE second_factors SET confirmed_at = $2, last_step = $3 WHERE user_id = $1 AND confirmed_at IS NULL",
        *(subject.user_id, now, step),
    )
    return bool(confirmed == "UPDATE 1")


async def last_step_of(db: Db, subject: UserSubject, *, is_confirmed: bool) -> int | None:
    """The step of the last code that was used; None without such a factor."""
    step: int | None = await db.fetchval(
        "SELECT last_step FROM second_factors WHERE user_id = $1 AND (confirmed_at IS NOT NULL) = $2",
        *(subject.user_id, is_confirmed),
    )
    return step


async def use_step(db: Db, subject: UserSubject, step: int) -> bool:
    """Note that the code of this step was used; False if it or a later one was used before."""
    used = await db.execute(
        "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2", subject.user_id, step
    )
    return bool(used == "UPDATE 1")


async def remove_factor(db: Db, user_id: int) -> bool:
    """Take the factor, its secret and its recovery codes away; False if there was none."""
    await db.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM user_data WHERE user_id = $1 AND field = 'totp_secret'", user_id)
    return bool(await db.execute("DELETE FROM second_factors WHERE user_id = $1", user_id) == "DELETE 1")


async def save_recovery_codes(db: Db, subject: UserSubject, digests: Collection[bytes]) -> None:
    """Keep these."""
    await db.executemany(
        "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)",
        [(subject.user_id, digest) for digest in digests],
    )


async def use_recovery_code(db: Db, subject: UserSubject, digest: bytes) -> bool:
    """Take one of the subject's codes; False if they have no such code, or no more."""
    used = await db.execute("DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2", subject.user_id, digest)
    return bool(used == "DELETE 1")


async def strengthen_session(db: Db, subject: UserSubject) -> None:
    """The subject has shown a second factor in this session."""
    await db.execute(
        "UPDATE sessions SET has_second_factor = true WHERE id = $1 AND user_id = $2",
        *(subject.session_id, subject.user_id),
    )


# Age.


async def age_check_of(db: Db, subject: UserSubject) -> AgeCheck | None:
    """The subject's latest check."""
    row = await db.fetchrow(
        "SELECT reference, asked_at, settled_at, is_of_age FROM age_checks WHERE user_id = $1", subject.user_id
    )
    return None if row is None else AgeCheck(**row)


async def add_age_check(db: Db, subject: UserSubject, reference: str, *, now: datetime) -> None:
    """A check in place of an earlier one, unless that proved the age."""
    await db.execute(
        "INSERT INTO age_checks AS c (user_id, reference, asked_at) VALUES ($1, $2, $3) ON CONFLICT (user_id)"
        " DO UPDATE SET reference = $2, asked_at = $3, settled_at = NULL, is_of_age = NULL"
        " WHERE c.is_of_age IS NOT TRUE",
        *(subject.user_id, reference, now),
    )


async def settle_age_check(db: Db, subject: UserSubject, reference: str, *, is_of_age: bool, now: datetime) -> None:
    """Settle this check. Of somebody who is not of age no date of birth is kept."""
    await db.execute(
        "UPDATE age_checks SET settled_at = $3, is_of_age = $4"
        " WHERE user_id = $1 AND reference = $2 AND settled_at IS NULL",
        *(subject.user_id, reference, now, is_of_age),
    )
    if not is_of_age:
        await db.execute("DELETE FROM user_data WHERE user_id = $1 AND field = 'birth_date'", subject.user_id)


async def is_of_age(db: Db, user_id: int) -> bool:
    """Whether the user has proved to be of age."""
    proven: bool | None = await db.fetchval("SELECT is_of_age FROM age_checks WHERE user_id = $1", user_id)
    return proven is True


# Attempts.


async def count_attempt(db: Db, key: bytes, *, since: datetime, now: datetime) -> tuple[int, datetime]:
    """Count one more; how many there were since the first of the window, and when that was."""
    row = await db.fetchrow(
        "INSERT INTO attempts AS a (key, began_at, tries) VALUES ($1, $2, 1) ON CONFLICT (key) DO UPDATE SET"
        " tries = CASE WHEN a.began_at <= $3 THEN 1 ELSE a.tries + 1 END,"
        " began_at = CASE WHEN a.began_at <= $3 THEN $2 ELSE a.began_at END"
        " RETURNING tries, began_at",
        *(key, now, since),
    )
    assert row is not None
    return row["tries"], row["began_at"]


async def forget_attempt(db: Db, key: bytes) -> None:
    """Begin to count anew."""
    await db.execute("DELETE FROM attempts WHERE key = $1", key)


async def forget_attempts(db: Db, *, before: datetime, limit: int) -> int:
    """Delete some that count no more; how many."""
    gone = await db.execute(
        "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE began_at < $1 LIMIT $2"
        " FOR UPDATE SKIP LOCKED)",
        *(before, limit),
    )
    return int(gone.split()[1])


_ACCOUNT = (
    "SELECT users.id, users.roles, users.banned_at, credentials.password_hash"
    " FROM users JOIN credentials ON credentials.user_id = users.id"
)


def _account(row: asyncpg.Record) -> Account:
    return Account(row["id"], row["password_hash"], _roles(row["roles"]), row["banned_at"] is not None)


def _facts(row: asyncpg.Record) -> UserFacts:
    return UserFacts(**{**row, "roles": _roles(row["roles"])})


def _roles(kept: Sequence[str]) -> frozenset[Role]:
    # A role that a later version has taken away is simply no longer held.
    return frozenset(role for role in Role if role in kept)
