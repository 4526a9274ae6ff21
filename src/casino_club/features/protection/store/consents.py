"""Statements about consents, which are appended and never changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from casino_club.features.protection.rules.consents import TEXTS, Purpose
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Consent:
    """One word of a user's about one purpose."""

    id: int
    purpose: Purpose
    is_given: bool
    text_version: int
    at: datetime


async def add(db: Db, user_id: int, purpose: Purpose, *, is_given: bool, text_version: int, at: datetime) -> Consent:
    """Append what the user says."""
    consent_id: int = await db.fetchval(
        "INSERT INTO consents (user_id, purpose, is_given, text_version, at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        *(user_id, purpose, is_given, text_version, at),
    )
    return Consent(consent_id, purpose, is_given, text_version, at)


async def current(db: Db, user_id: int) -> dict[Purpose, Consent]:
    """The user's last word about each purpose that they have said any about."""
    rows = await db.fetch(
        """SELECT DISTINCT ON (purpose) id, purpose, is_given, text_version, at FROM consents
           WHERE user_id = $1 ORDER BY purpose, id DESC""",
        user_id,
    )
    return {Purpose(row["purpose"]): _consent(row) for row in rows}


async def history(db: Db, user_id: int, *, before_id: int | None, limit: int) -> list[Consent]:
    """All that the user has said, newest first."""
    rows = await db.fetch(
        """SELECT id, purpose, is_given, text_version, at FROM consents
           WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3""",
        *(user_id, before_id, limit),
    )
    return [_consent(row) for row in rows]


def _consent(row: object) -> Consent:
    fields = dict(row)  # type: ignore[call-overload]  # a record of asyncpg is one
    return Consent(**{**fields, "purpose": Purpose(fields["purpose"])})


async def who_consents(db: Db, users: Collection[int], purpose: Purpose) -> frozenset[int]:
    """Of these users, those whose last word is a yes to the current text."""
    rows = await db.fetch(
        """SELECT v.user_id FROM unnest($1::bigint[]) AS v (user_id)
           JOIN LATERAL (SELECT is_given, text_version FROM consents AS c
                         WHERE c.user_id = v.user_id AND c.purpose = $2 ORDER BY c.id DESC LIMIT 1) AS last
             ON last.is_given AND last.text_version = $3""",
        *(list(users), purpose, TEXTS[purpose].version),
    )
    return frozenset(row[0] for row in rows)
