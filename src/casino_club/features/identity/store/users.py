"""Users, what is sealed of them, how they log in, roles and bans."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import asyncpg

from casino_club.features.identity.rules.people import Account, UserFacts
from casino_club.features.identity.rules.refusals import EmailTaken, UserMissing
from casino_club.features.identity.rules.sessions import check_reads
from casino_club.infra.db.database import Db
from casino_club.infra.vault import DataKey, Vault
from casino_club.kernel.subject import Role, UserSubject

USERS_LISTED_MAX = 1_000


async def add_user(db: Db, *, email_hash: bytes | None, password_hash: str | None, now: datetime) -> int:
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


_ACCOUNT = (
    "SELECT users.id, users.roles, users.banned_at, credentials.password_hash, email_hash IS NOT NULL AS has_email"
    " FROM users JOIN credentials ON credentials.user_id = users.id"
)


def _account(row: asyncpg.Record) -> Account:
    return Account(
        row["id"], row["password_hash"], row["has_email"], roles_of(row["roles"]), row["banned_at"] is not None
    )


def _facts(row: asyncpg.Record) -> UserFacts:
    return UserFacts(**{**row, "roles": roles_of(row["roles"])})


def roles_of(kept: Sequence[str]) -> frozenset[Role]:
    """The roles that are kept as these words."""
    # A role that a later version has taken away is simply no longer held.
    return frozenset(role for role in Role if role in kept)
