"""Statements about what staff propose to give."""

from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.rewards.rules.proposals import Proposal, Wish
from casino_club.features.rewards.rules.refusals import ProposalMissing
from casino_club.features.rewards.rules.rewards import Reward, RewardType
from casino_club.infra.db.database import Db


async def proposed(db: Db, key: UUID, *, by_user_id: int) -> Proposal | None:
    """What this person proposed under this key."""
    row = await db.fetchrow("SELECT * FROM reward_proposals WHERE proposed_by = $1 AND key = $2", by_user_id, key)
    return None if row is None else _proposal(row)


async def add(db: Db, key: UUID, wish: Wish, *, by_user_id: int, now: datetime) -> Proposal:
    """Propose. Raises UniqueViolationError if the key was used meanwhile."""
    reward = wish.reward
    row = await db.fetchrow(
        """INSERT INTO reward_proposals
           (key, user_id, reward_type, reward_value, reference, because, proposed_by, proposed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *""",
        *(key, wish.user_id, reward.type, reward.value, reward.reference, wish.because, by_user_id, now),
    )
    assert row is not None
    return _proposal(row)


async def locked(db: Db, proposal_id: int) -> Proposal:
    """One proposal, locked. Raises `ProposalMissing`."""
    row = await db.fetchrow("SELECT * FROM reward_proposals WHERE id = $1 FOR UPDATE", proposal_id)
    if row is None:
        raise ProposalMissing
    return _proposal(row)


async def settle(db: Db, proposal_id: int, *, by_user_id: int, now: datetime, reward_id: int | None) -> Proposal:
    """It was carried out by this reward, or withdrawn."""
    row = await db.fetchrow(
        "UPDATE reward_proposals SET settled_by = $2, settled_at = $3, reward_id = $4 WHERE id = $1 RETURNING *",
        *(proposal_id, by_user_id, now, reward_id),
    )
    assert row is not None
    return _proposal(row)


async def proposals(db: Db, *, before_id: int | None, is_open: bool | None, limit: int) -> list[Proposal]:
    """Proposals, the newest first."""
    rows = await db.fetch(
        """SELECT * FROM reward_proposals
           WHERE ($1::bigint IS NULL OR id < $1) AND ($2::boolean IS NULL OR (settled_at IS NULL) = $2)
           ORDER BY id DESC LIMIT $3""",
        *(before_id, is_open, limit),
    )
    return [_proposal(row) for row in rows]


def _proposal(row: asyncpg.Record) -> Proposal:
    reward = Reward(RewardType(row["reward_type"]), row["reward_value"], row["reference"])
    wish = Wish(row["user_id"], reward, row["because"])
    settled = row["settled_by"], row["settled_at"], row["reward_id"]
    return Proposal(row["id"], wish, row["proposed_by"], row["proposed_at"], *settled)
