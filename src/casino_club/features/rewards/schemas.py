"""Shapes of requests and answers."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.rewards.commands.bonus import BonusOffer
from casino_club.features.rewards.rules.amounts import AmountDue, AmountPolicy, KindAmount
from casino_club.features.rewards.rules.proposals import Proposal
from casino_club.features.rewards.rules.rewards import NAME_LENGTH_MAX, Granted, RewardType
from casino_club.features.rewards.store.reading import Holdings
from casino_club.infra.http.routes import Id
from casino_club.kernel.money import AMOUNT_MAX

PAGE_ROWS_MAX = 200

Limit = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)]
Reference = Annotated[str, Meta(max_length=NAME_LENGTH_MAX)]
Instant = Annotated[datetime, Meta(tz=True)]


class RewardsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a history. `until` itself is not part of it."""

    reward_type: RewardType | None = None
    since: Instant | None = None
    until: Instant | None = None
    cursor: Id | None = None
    limit: Limit = 50


class RewardOut(msgspec.Struct, frozen=True):
    """A reward. The value of content is its stage; the reference names a badge, a coupon, or the game of free spins."""

    id: int
    reward_type: RewardType
    reward_value: int
    reference: str
    reason: str
    awarded_at: datetime
    trigger_action_id: int | None


class RewardsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    user_id: int
    rewards: list[RewardOut]
    next_cursor: int | None


class BadgeOut(msgspec.Struct, frozen=True):
    """A badge, and since when the user has it."""

    badge: str
    awarded_at: datetime


class CouponOut(msgspec.Struct, frozen=True):
    """A coupon that can be used until it runs out."""

    reward_id: int
    coupon: str
    value: int
    expires_at: datetime


class SpinsOut(msgspec.Struct, frozen=True):
    """Free spins of a game; of any, if the name is empty."""

    game: str
    spins: int


class HoldingsOut(msgspec.Struct, frozen=True):
    """What a user has of rewards that are no money. Money is in the wallet."""

    badges: list[BadgeOut]
    coupons: list[CouponOut]
    free_spins: list[SpinsOut]


class BonusOut(msgspec.Struct, frozen=True):
    """The bonus that comes with a play, drawn from a published table. The chance is the exact one of its cell.

    While the bonus rests, plays go on without it, and the chance is 0.
    """

    product: str
    digest: str
    cell: str
    chance: str
    chance_decimal: str
    reward_type: RewardType
    reward_value: int
    stake_min_coins: int
    is_resting: bool


class GameBonusOut(msgspec.Struct, frozen=True):
    """The bonus that comes with your next play of a game; null if there is none."""

    game: str
    bonus: BonusOut | None


class KindAmountOut(msgspec.Struct, frozen=True):
    """What a kind of event gives: the base to anybody, more by the level of the segment and by plays in a row.

    Both together come to `percent_max` of the base at most.
    """

    kind: str
    about: str
    reward_type: RewardType
    base: int
    level_percent: list[int]
    streak_percent: int
    streak_max: int
    percent_max: int


class AmountsOut(msgspec.Struct, frozen=True):
    """How much rewards are, the same for everybody."""

    version: int
    begins: date
    worth_coins: dict[str, int]
    kinds: list[KindAmountOut]


class AmountDueOut(msgspec.Struct, frozen=True):
    """How much it would be for you just now, and why: percents are of the base, of which nobody gets less."""

    kind: str
    reward_type: RewardType
    amount: int
    base: int
    level: int
    level_percent: int
    streak: int
    streak_percent: int
    version: int


class RewardProposal(msgspec.Struct, forbid_unknown_fields=True):
    """What to give to whom, and why. The same key proposes once."""

    key: UUID
    user_id: Id
    reward_type: RewardType
    reward_value: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
    because: Annotated[str, Meta(min_length=3, max_length=200)]
    reference: Reference = ""


class ProposalsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which proposals."""

    is_open: bool | None = None
    cursor: Id | None = None
    limit: Limit = 50


class ProposalOut(msgspec.Struct, frozen=True):
    """A proposal. Once settled it has given the reward that it names, or was withdrawn if it names none."""

    id: int
    user_id: int
    reward_type: RewardType
    reward_value: int
    reference: str
    because: str
    proposed_by: int
    proposed_at: datetime
    settled_by: int | None
    settled_at: datetime | None
    reward_id: int | None


class ProposalsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    proposals: list[ProposalOut]
    next_cursor: int | None


def reward_out(granted: Granted) -> RewardOut:
    reward = granted.reward
    return RewardOut(
        *(granted.id, reward.type, reward.value, reward.reference),
        *(granted.reason, granted.awarded_at, granted.trigger_action_id),
    )


def game_bonus_out(game: str, offer: BonusOffer | None) -> GameBonusOut:
    if offer is None:
        return GameBonusOut(game, None)
    shown = BonusOut(
        *(offer.product, offer.digest, offer.cell, str(offer.chance), str(float(offer.chance))),
        *(offer.reward.type, offer.reward.value, offer.stake_min_coins, offer.is_resting),
    )
    return GameBonusOut(game, shown)


def amounts_out(policy: AmountPolicy) -> AmountsOut:
    kinds = [KindAmountOut(kind=name, **_shown(kind)) for name, kind in policy.kinds.items()]
    return AmountsOut(policy.version, policy.begins, {str(k): v for k, v in policy.worth_coins.items()}, kinds)


def _shown(kind: KindAmount) -> dict[str, Any]:
    return {**msgspec.structs.asdict(kind), "level_percent": list(kind.level_percent)}


def amount_due_out(due: AmountDue, version: int) -> AmountDueOut:
    return AmountDueOut(
        *(due.kind, due.reward_type, due.amount, due.base),
        *(due.level, due.level_percent, due.streak, due.streak_percent, version),
    )


def holdings_out(held: Holdings) -> HoldingsOut:
    return HoldingsOut(
        [BadgeOut(*each) for each in held.badges],
        [CouponOut(*each) for each in held.coupons],
        [SpinsOut(*each) for each in held.free_spins],
    )


def proposal_out(proposal: Proposal) -> ProposalOut:
    wish = proposal.wish
    return ProposalOut(
        *(proposal.id, wish.user_id, wish.reward.type, wish.reward.value, wish.reward.reference, wish.because),
        *(proposal.proposed_by, proposal.proposed_at, proposal.settled_by, proposal.settled_at, proposal.reward_id),
    )
