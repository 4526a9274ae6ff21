"""How staff give rewards: small ones alone, large ones two together."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict

from casino_club.features.actions.public import UserGone
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.rewards.commands import proposing
from casino_club.features.rewards.commands.granting import RewardPolicy
from casino_club.features.rewards.rules import refusals
from casino_club.features.rewards.rules.proposals import Wish
from casino_club.features.rewards.rules.rewards import Reward
from casino_club.features.rewards.schemas import (
    ProposalOut,
    ProposalsPage,
    ProposalsQuery,
    RewardProposal,
    proposal_out,
)
from casino_club.features.rewards.store import proposals
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["rewards of staff"])


class Callers(TypedDict):
    """Who may call."""

    audience: Audience
    roles: Sequence[Role]


GIVERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ADMIN)}


@routes.get(
    "/api/admin/reward-proposals",
    **GIVERS,
    summary="What staff proposed to give, newest first",
    query=ProposalsQuery,
    answers={200: ProposalsPage},
)
async def read_reward_proposals(query: ProposalsQuery, database: Database) -> ProposalsPage:
    async with database.connection() as db:
        found = await proposals.proposals(db, before_id=query.cursor, is_open=query.is_open, limit=query.limit)
    return ProposalsPage([proposal_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.post(
    "/api/admin/reward-proposals",
    **GIVERS,
    summary="Give a user something; above the limit, once somebody else approves",
    body=RewardProposal,
    answers={201: ProposalOut},
    refusals=(refusals.RewardInvalid, refusals.KeyReused, *ADMIT_REFUSALS, UserGone),
)
async def propose_reward(
    subject: UserSubject, body: RewardProposal, database: Database, reward_policy: RewardPolicy, clock: Clock
) -> ProposalOut:
    now = clock()
    wish = Wish(body.user_id, Reward(body.reward_type, body.reward_value, body.reference), body.because)
    return proposal_out(
        await database.run(
            lambda db: proposing.propose(db, wish, key=body.key, by=subject, now=now, policy=reward_policy)
        )
    )


@routes.post(
    "/api/admin/reward-proposals/{proposal_id}/approve",
    **GIVERS,
    summary="Give what somebody else proposed",
    answers={200: ProposalOut},
    refusals=(
        refusals.ProposalMissing,
        refusals.ProposalSettled,
        refusals.SecondPersonNeeded,
        *ADMIT_REFUSALS,
        UserGone,
    ),
)
async def approve_reward(
    proposal_id: Id, subject: UserSubject, database: Database, reward_policy: RewardPolicy, clock: Clock
) -> ProposalOut:
    now = clock()
    return proposal_out(
        await database.run(lambda db: proposing.approve(db, proposal_id, by=subject, now=now, policy=reward_policy))
    )


@routes.post(
    "/api/admin/reward-proposals/{proposal_id}/withdraw",
    **GIVERS,
    summary="Give a proposal up",
    answers={200: ProposalOut},
    refusals=(refusals.ProposalMissing, refusals.ProposalSettled),
)
async def withdraw_reward(proposal_id: Id, subject: UserSubject, database: Database, clock: Clock) -> ProposalOut:
    now = clock()
    return proposal_out(await database.run(lambda db: proposing.withdraw(db, proposal_id, by=subject, now=now)))
