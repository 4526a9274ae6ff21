"""Statements about catalogues, and how they become live."""

from datetime import datetime
from typing import Any

import asyncpg

from casino_club.features.shop.rules.catalogue import Catalogue
from casino_club.features.shop.rules.refusals import VersionMissing
from casino_club.features.shop.rules.versions import Version
from casino_club.infra.db.database import Db

PUBLISHED_MAX = 200

_VERSION = """SELECT v.*, coalesce((SELECT array_agg(user_id ORDER BY approved_at) FROM shop_approvals
                                    WHERE version_id = v.id), '{}') AS approved_by
              FROM shop_versions AS v"""


async def live_digest(db: Db, *, now: datetime) -> str | None:
    """The catalogue that is live, if one is."""
    found: str | None = await db.fetchval(
        "SELECT digest FROM shop_versions WHERE live_from <= $1 ORDER BY live_from DESC, id DESC LIMIT 1", now
    )
    return found


async def text_of(db: Db, digest: str) -> str:
    """The canonical text of a catalogue that is kept."""
    text: str = await db.fetchval("SELECT canonical FROM shop_catalogues WHERE digest = $1", digest)
    return text


async def published(db: Db) -> list[str]:
    """The digests of those that were live, are, or will be, the latest first."""
    rows = await db.fetch(
        """SELECT digest FROM shop_versions WHERE live_from IS NOT NULL
           GROUP BY digest ORDER BY max(live_from) DESC LIMIT $1""",
        PUBLISHED_MAX,
    )
    return [row[0] for row in rows]


async def lock_versions(db: Db) -> None:
    """One at a time decides what becomes live, until the transaction ends."""
    await db.execute("LOCK TABLE shop_versions IN SHARE ROW EXCLUSIVE MODE")


async def keep(db: Db, catalogue: Catalogue, *, now: datetime) -> None:
    """Keep a catalogue, unless it is kept already."""
    await db.execute(
        "INSERT INTO shop_catalogues VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", catalogue.digest, catalogue.text, now
    )


async def add_version(db: Db, digest: str, *, by: str, live_at: datetime, now: datetime) -> int:
    """A draft of this catalogue; the one that is open already, if there is one."""
    added = await db.fetchval(
        """INSERT INTO shop_versions (digest, drafted_by, drafted_at, live_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (digest) WHERE approved_at IS NULL AND withdrawn_at IS NULL DO NOTHING RETURNING id""",
        *(digest, by, now, live_at),
    )
    found: int = added or await db.fetchval(
        "SELECT id FROM shop_versions WHERE digest = $1 AND approved_at IS NULL AND withdrawn_at IS NULL", digest
    )
    return found


async def version_of(db: Db, version_id: int) -> Version:
    """One version. Raises `VersionMissing`."""
    row = await db.fetchrow(f"{_VERSION} WHERE v.id = $1", version_id)
    if row is None:
        raise VersionMissing
    return _version(row)


async def versions(db: Db, *, before_id: int | None, limit: int) -> list[Version]:
    """Versions, the newest first."""
    rows = await db.fetch(
        f"{_VERSION} WHERE ($1::bigint IS NULL OR v.id < $1) ORDER BY v.id DESC LIMIT $2", before_id, limit
    )
    return [_version(row) for row in rows]


async def add_approval(db: Db, version_id: int, user_id: int, *, now: datetime) -> None:
    """Keep that somebody approved."""
    await db.execute("INSERT INTO shop_approvals VALUES ($1, $2, $3)", version_id, user_id, now)


async def settle_approved(db: Db, version_id: int, *, live_from: datetime, now: datetime) -> None:
    """From now on it is approved."""
    await db.execute(
        "UPDATE shop_versions SET approved_at = $2, live_from = $3 WHERE id = $1", version_id, now, live_from
    )


async def settle_withdrawn(db: Db, version_id: int, *, now: datetime) -> None:
    """From now on it is withdrawn."""
    await db.execute("UPDATE shop_versions SET withdrawn_at = $2 WHERE id = $1", version_id, now)


async def has_versions(db: Db) -> bool:
    """Whether anything was ever drafted."""
    found: bool = await db.fetchval("SELECT EXISTS (SELECT FROM shop_versions)")
    return found


def _version(row: asyncpg.Record) -> Version:
    kept: dict[str, Any] = dict(row)
    return Version(**{**kept, "approved_by": tuple(kept["approved_by"])})
