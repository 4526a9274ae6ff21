"""Staff give rewards: small ones alone, large ones two together. Each is a deed."""

from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.rewards.commands.granting import RewardPolicy, grant
from casino_club.features.rewards.rules import proposals as rules
from casino_club.features.rewards.rules.proposals import Proposal, Wish
from casino_club.features.rewards.rules.rewards import Grant, check
from casino_club.features.rewards.store import proposals as store
from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Arguments
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import UserSubject

REASON = "staff"


async def propose(db: Db, wish: Wish, *, key: UUID, by: UserSubject, now: datetime, policy: RewardPolicy) -> Proposal:
    """Propose to give something. Up to the limit it is given at once; above, when another person approves."""
    check(wish.reward)
    if before := await store.proposed(db, key, by_user_id=by.user_id):
        rules.check_same(before, wish)
        return before

    try:
        proposal = await store.add(db, key, wish, by_user_id=by.user_id, now=now)
    except asyncpg.UniqueViolationError as taken:
        raise Crossed("another request proposed under the same key") from taken
    if rules.may_be_alone(wish.reward, alone_max=policy.granted_alone_max):
        return await _carry_out(db, proposal, "propose_reward", by=by, now=now, policy=policy)

    await deeds.note(db, by, "propose_reward", f"reward_proposal:{proposal.id}", _how(wish), now=now)
    return proposal


async def approve(db: Db, proposal_id: int, *, by: UserSubject, now: datetime, policy: RewardPolicy) -> Proposal:
    """Give what another person proposed. Raises what speaks against it by now; it stays open then."""
    proposal = await store.locked(db, proposal_id)
    rules.may_approve(proposal, by.user_id)

    return await _carry_out(db, proposal, "approve_reward", by=by, now=now, policy=policy)


async def withdraw(db: Db, proposal_id: int, *, by: UserSubject, now: datetime) -> Proposal:
    """Give a proposal up."""
    proposal = await store.locked(db, proposal_id)
    rules.check_open(proposal)

    settled = await store.settle(db, proposal_id, by_user_id=by.user_id, now=now, reward_id=None)

    how = _how(proposal.wish)
    await deeds.note(db, by, "withdraw_reward", f"reward_proposal:{proposal_id}", how, now=now)
    return settled


async def _carry_out(
    db: Db, proposal: Proposal, verb: str, *, by: UserSubject, now: datetime, policy: RewardPolicy
) -> Proposal:
    wish = proposal.wish
    wanted = Grant(wish.user_id, wish.reward, REASON, derived_uuid("reward_proposal", proposal.id))
    granted = await grant(db, wanted, now=now, policy=policy)

    settled = await store.settle(db, proposal.id, by_user_id=by.user_id, now=now, reward_id=granted.id)

    how: Arguments = {**_how(wish), "reward": granted.id}
    await deeds.note(db, by, verb, f"reward_proposal:{proposal.id}", how, now=now)
    return settled


def _how(wish: Wish) -> Arguments:
    given = f"{wish.reward.value} {wish.reward.type} {wish.reward.reference}".rstrip()
    return {"user": wish.user_id, "given": given, "because": wish.because}
