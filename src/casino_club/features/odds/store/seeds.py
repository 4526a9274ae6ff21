"""Statements about promised seeds and the public list of promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from casino_club.features.odds.rules.seeds import BEFORE_THE_FIRST, commitment_hash
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.clock import to_us

_LOCK: Final = 0x6F646473  # one promise at a time, until its transaction ends: the list has no branches


@dataclass(frozen=True, slots=True)
class Commitment:
    """One entry of the public list. It does not say whom it was made to."""

    sequence: int
    commit_id: UUID
    seed_hash: str
    committed_at: datetime
    hash: str


@dataclass(frozen=True, slots=True)
class Seed:
    """The seed that a user's draws are made from, still sealed."""

    commit_id: UUID
    sequence: int
    seed_hash: str
    sealed: bytes
    client_seed: str | None
    next_nonce: int


SEED: Final = """SELECT s.commit_id, c.sequence, c.seed_hash, s.sealed, s.next_nonce,
        (SELECT client_seed FROM odds_client_seeds WHERE commit_id = s.commit_id ORDER BY first_nonce DESC LIMIT 1)
    FROM odds_seeds AS s JOIN odds_commitments AS c USING (commit_id)
    WHERE s.revealed_at IS NULL"""
"""Every seed in use."""


async def seed_of(db: Db, user_id: int, *, is_locked: bool = False) -> Seed | None:
    """The user's seed in use; locked, its nonces come from nowhere else until the transaction ends."""
    lock = " FOR NO KEY UPDATE OF s" if is_locked else ""
    row = await db.fetchrow(f"{SEED} AND s.user_id = $1{lock}", user_id)
    return None if row is None else Seed(**dict(row))


async def add_promise(db: Db, user_id: int, commit_id: UUID, *, seed_hash: str, sealed: bytes, now: datetime) -> None:
    """Promise a seed to a user, in public. Call it last: other promises wait until the transaction ends.

    Raises `Crossed` if another transaction has promised the user one.
    """
    await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    last = await db.fetchrow("SELECT sequence, hash FROM odds_commitments ORDER BY sequence DESC LIMIT 1")
    sequence, previous = (0, BEFORE_THE_FIRST) if last is None else (last["sequence"], last["hash"])
    chained = commitment_hash(
        previous,
        sequence=sequence + 1,
        commit_id=str(commit_id),
        seed_hash=seed_hash,
        committed_us=to_us(now),
    )
    await db.execute(
        "INSERT INTO odds_commitments VALUES ($1, $2, $3, $4, $5)", sequence + 1, commit_id, seed_hash, now, chained
    )
    try:
        await db.execute(
            "INSERT INTO odds_seeds (commit_id, user_id, sealed) VALUES ($1, $2, $3)", commit_id, user_id, sealed
        )
    except asyncpg.UniqueViolationError as promised:
        raise Crossed("another transaction promised this user a seed") from promised


async def set_client_seed(db: Db, seed: Seed, client_seed: str) -> None:
    """What the user has chosen for the draws to come. The seed is locked."""
    await db.execute(
        "INSERT INTO odds_client_seeds VALUES ($1, $2, $3)"
        " ON CONFLICT (commit_id, first_nonce) DO UPDATE SET client_seed = excluded.client_seed",
        *(seed.commit_id, seed.next_nonce, client_seed),
    )


async def forget_user(db: Db, user_id: int) -> None:
    """Take away what the user wrote and where they stood. What was drawn stays, under their number."""
    await db.execute(
        "DELETE FROM odds_client_seeds WHERE commit_id IN (SELECT commit_id FROM odds_seeds WHERE user_id = $1)",
        user_id,
    )
    await db.execute("DELETE FROM odds_states WHERE user_id = $1", user_id)


async def reveal(db: Db, commit_id: UUID, server_seed: bytes, *, now: datetime) -> None:
    """Give a seed away; nothing is drawn from it any more."""
    await db.execute(
        "UPDATE odds_seeds SET revealed_at = $2, server_seed = $3 WHERE commit_id = $1", commit_id, now, server_seed
    )


async def revealed_seed(db: Db, user_id: int, commit_id: UUID) -> bytes | None:
    """The seed of one of the user's promises, once it is revealed."""
    seed: bytes | None = await db.fetchval(
        "SELECT server_seed FROM odds_seeds WHERE commit_id = $1 AND user_id = $2", commit_id, user_id
    )
    return seed


async def commitments(db: Db, *, after: int, limit: int) -> Sequence[Commitment]:
    """The public list, the oldest first."""
    rows: list[asyncpg.Record] = await db.fetch(
        "SELECT * FROM odds_commitments WHERE sequence > $1 ORDER BY sequence LIMIT $2", after, limit
    )
    return [Commitment(**dict(row)) for row in rows]
