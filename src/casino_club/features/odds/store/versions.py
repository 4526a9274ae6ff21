"""Statements about products, their tables, and how those become live."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from casino_club.features.odds.rules.refusals import VersionMissing
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.rules.versions import Version
from casino_club.infra.db.database import Db

VERSIONS_LISTED_MAX = 200

_VERSION = """SELECT v.*, coalesce((SELECT array_agg(user_id ORDER BY approved_at) FROM odds_approvals
                                    WHERE version_id = v.id), '{}') AS approved_by
              FROM odds_versions AS v"""


@dataclass(frozen=True, slots=True)
class Live:
    """What a product draws from now: its live table, and a challenger for some users while a trial runs."""

    product: str
    digest: str
    live_from: datetime
    paused_at: datetime | None
    paused_because: str | None
    watch: int
    evidence_log10: float
    trial_id: int | None
    share_permille: int | None
    challenger: str | None


async def live(db: Db, product: str, *, now: datetime) -> Live | None:
    """What is live of a product, if anything."""
    row = await db.fetchrow(f"{LIVE} AND p.product = $2", now, product)
    return None if row is None else _live(row)


async def all_live(db: Db, *, now: datetime) -> list[Live]:
    """Every product of which something is live, by name."""
    return [_live(row) for row in await db.fetch(f"{LIVE} ORDER BY p.product", now)]


LIVE = """SELECT p.product, v.digest, v.live_from, p.paused_at, p.paused_because, p.watch, p.evidence_log10,
                  t.id AS trial_id, t.share_permille, c.digest AS challenger
           FROM odds_products AS p
           CROSS JOIN LATERAL (SELECT digest, live_from FROM odds_versions
                               WHERE product = p.product AND live_from <= $1
                               ORDER BY live_from DESC, id DESC LIMIT 1) AS v
           LEFT JOIN odds_trials AS t ON t.product = p.product AND t.ended_at IS NULL
           LEFT JOIN odds_versions AS c ON c.id = t.challenger_id
           WHERE true"""


async def text_of(db: Db, digest: str) -> str:
    """The canonical text of a table that is kept."""
    text: str = await db.fetchval("SELECT canonical FROM odds_tables WHERE digest = $1", digest)
    return text


async def keep_table(db: Db, table: OddsTable, *, now: datetime) -> None:
    """Keep a table and its product, unless they are kept already."""
    await db.execute("INSERT INTO odds_products (product) VALUES ($1) ON CONFLICT DO NOTHING", table.product)
    await db.execute(
        "INSERT INTO odds_tables (digest, product, canonical, kept_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        *(table.digest, table.product, table.text, now),
    )


async def add_version(db: Db, table: OddsTable, *, by: str, live_at: datetime | None, now: datetime) -> int:
    """A draft of this table; the one that is open already, if there is one."""
    added = await db.fetchval(
        """INSERT INTO odds_versions (product, digest, drafted_by, drafted_at, live_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (digest) WHERE approved_at IS NULL AND withdrawn_at IS NULL DO NOTHING RETURNING id""",
        *(table.product, table.digest, by, now, live_at),
    )
    found: int = added or await db.fetchval(
        "SELECT id FROM odds_versions WHERE digest = $1 AND approved_at IS NULL AND withdrawn_at IS NULL", table.digest
    )
    return found


async def version_of(db: Db, version_id: int, *, is_locked: bool = False) -> Version:
    """One version. Raises `VersionMissing`."""
    lock = " FOR NO KEY UPDATE" if is_locked else ""
    row = await db.fetchrow(f"{_VERSION} WHERE v.id = $1{lock}", version_id)
    if row is None:
        raise VersionMissing
    return _version(row)


async def versions(db: Db, *, product: str | None, before_id: int | None, limit: int) -> list[Version]:
    """Versions, the newest first."""
    rows = await db.fetch(
        f"{_VERSION} WHERE ($1::text IS NULL OR v.product = $1) AND ($2::bigint IS NULL OR v.id < $2)"
        " ORDER BY v.id DESC LIMIT $3",
        *(product, before_id, limit),
    )
    return [_version(row) for row in rows]


async def history(db: Db, product: str, *, now: datetime) -> list[Version]:
    """All that was ever live of a product, the latest first."""
    rows = await db.fetch(
        f"{_VERSION} WHERE v.product = $1 AND v.live_from <= $2 ORDER BY v.live_from DESC, v.id DESC LIMIT $3",
        *(product, now, VERSIONS_LISTED_MAX),
    )
    return [_version(row) for row in rows]


async def add_approval(db: Db, version_id: int, user_id: int, *, now: datetime) -> None:
    """Keep that somebody approved."""
    await db.execute("INSERT INTO odds_approvals VALUES ($1, $2, $3)", version_id, user_id, now)


async def settle_approved(db: Db, version_id: int, *, live_from: datetime | None, now: datetime) -> None:
    """From now on it is approved."""
    await db.execute(
        "UPDATE odds_versions SET approved_at = $2, live_from = $3 WHERE id = $1", version_id, now, live_from
    )


async def settle_withdrawn(db: Db, version_id: int, *, now: datetime) -> None:
    """From now on it is withdrawn."""
    await db.execute("UPDATE odds_versions SET withdrawn_at = $2 WHERE id = $1", version_id, now)


async def has_versions(db: Db, product: str) -> bool:
    """Whether anything of a product was ever drafted."""
    found: bool = await db.fetchval("SELECT EXISTS (SELECT FROM odds_versions WHERE product = $1)", product)
    return found


async def pause(db: Db, product: str, *, because: str, now: datetime) -> bool:
    """Let a product rest; False if it rests already, or there is none."""
    done = await db.execute(
        "UPDATE odds_products SET paused_at = $2, paused_because = $3 WHERE product = $1 AND paused_at IS NULL",
        *(product, now, because),
    )
    return bool(done == "UPDATE 1")


async def resume(db: Db, product: str) -> bool:
    """Let a product go on, watched anew; False if it does not rest."""
    done = await db.execute(
        "UPDATE odds_products SET paused_at = NULL, paused_because = NULL, watch = watch + 1, evidence_log10 = 0"
        " WHERE product = $1 AND paused_at IS NOT NULL",
        product,
    )
    return bool(done == "UPDATE 1")


def _live(row: asyncpg.Record) -> Live:
    return Live(**dict(row))


def _version(row: asyncpg.Record) -> Version:
    kept: dict[str, Any] = dict(row)
    return Version(**{**kept, "approved_by": tuple(kept["approved_by"])})
