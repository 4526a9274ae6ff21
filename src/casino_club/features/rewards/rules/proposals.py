"""Who may give rewards away: one member of staff up to a limit, and above it two together."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.rewards.rules.refusals import KeyReused, ProposalSettled, SecondPersonNeeded
from casino_club.features.rewards.rules.rewards import Reward


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member of staff wants a user to have, and why."""

    user_id: int
    reward: Reward
    because: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A wish on its way, carried out, or withdrawn. Staff are named by number."""

    id: int
    wish: Wish
    proposed_by: int
    proposed_at: datetime
    settled_by: int | None
    settled_at: datetime | None
    reward_id: int | None


def may_be_alone(reward: Reward, *, alone_max: int) -> bool:
    """Whether one person is enough."""
    return reward.value <= alone_max


def check_same(proposal: Proposal, wish: Wish) -> None:
    """Raises `KeyReused` if the key stands for another wish."""
    if proposal.wish != wish:
        raise KeyReused


def check_open(proposal: Proposal) -> None:
    """Raises `ProposalSettled` where there is nothing left to decide."""
    if proposal.settled_at is not None:
        raise ProposalSettled


def may_approve(proposal: Proposal, by_user_id: int) -> None:
    """Raises what speaks against this person's approval."""
    check_open(proposal)
    if by_user_id == proposal.proposed_by:
        raise SecondPersonNeeded
