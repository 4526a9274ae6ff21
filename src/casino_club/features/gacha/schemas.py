"""Shapes of requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.gacha.commands.showing import Shown
from casino_club.features.gacha.rules.openings import PULLS_MAX, certain_within
from casino_club.features.gacha.store import Opening, Pull
from casino_club.infra.http.routes import Id

PAGE_ROWS_MAX = 100

Product = Annotated[str, Meta(min_length=1, max_length=40)]
SpinId = Annotated[UUID, Meta(description="Yours and new for each opening; the same whenever you send it again.")]


class OpenIn(msgspec.Struct, forbid_unknown_fields=True):
    """An opening of one to ten pulls."""

    spin_id: SpinId
    spins: Annotated[int, Meta(ge=1, le=PULLS_MAX)] = 1
    product: Product = "gacha-constellation"


class PullOut(msgspec.Struct, frozen=True):
    """One pull. The state counts pulls without luck before and after it; gems that it gave wait to be claimed."""

    draw_id: int
    commit_id: UUID
    nonce: int
    receipt: str
    item: str
    tier: str
    reward_type: str
    reward_value: int
    reference: str
    state: int
    next_state: int


class OpeningOut(msgspec.Struct, frozen=True):
    """An opening, the same whenever it is asked for. The result is what its best pull gave.

    `paid_gems` of the price were gems that had been paid for. `balance_after` is what could be spent then.
    """

    spin_id: UUID
    product: str
    digest: str
    spins: int
    price_gems: int
    paid_gems: int
    result_type: str
    result_value: int
    reward_detail: list[PullOut]
    state_before: int
    state_after: int
    balance_after: int
    opened_at: datetime
    next_at: datetime


class OpeningsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which openings."""

    product: Product | None = None
    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 20


class OpeningsPage(msgspec.Struct, frozen=True):
    """Openings, the latest first. `next_cursor` is null at the end."""

    openings: list[OpeningOut]
    next_cursor: int | None


class RateOut(msgspec.Struct, frozen=True):
    """How likely an item is with your next pull: the fraction is exact."""

    item: str
    tier: str
    reward_type: str
    reward_value: int
    reference: str
    rate: str
    rate_decimal: str


class TitleOut(msgspec.Struct, frozen=True):
    """The name that people read."""

    en: str
    ko: str


class GachaOut(msgspec.Struct, frozen=True):
    """A gacha as it stands for you. `state` is the pulls you have made since luck last came; with `certain_within` more
    it comes for certain. `funds` are the gems that may pay. `users_today` is how many users have opened it today.
    """

    product: str
    title: TitleOut
    digest: str
    odds: str
    price_gems: int
    funds: list[str]
    is_resting: bool
    state: int
    ceiling_pulls: int | None
    certain_within: int | None
    next_pull: list[RateOut]
    users_today: int


class GachasOut(msgspec.Struct, frozen=True):
    """Every gacha that there is."""

    gachas: list[GachaOut]


def opening_out(made: Opening, next_at: datetime) -> OpeningOut:
    """An opening, the same whenever it is asked for."""
    return OpeningOut(
        spin_id=made.spin_id,
        product=made.product,
        digest=made.digest,
        spins=made.spin_count,
        price_gems=made.price_gems,
        paid_gems=made.paid_gems,
        result_type=made.result_type,
        result_value=made.result_value,
        reward_detail=[_pull_out(each) for each in made.pulls],
        state_before=made.pulls[0].state,
        state_after=made.pulls[-1].next_state,
        balance_after=made.balance_after,
        opened_at=made.timestamp,
        next_at=next_at,
    )


def _pull_out(pull: Pull) -> PullOut:
    return msgspec.convert(pull, PullOut, from_attributes=True)


def gacha_out(shown: Shown) -> GachaOut:
    odds, state = shown.found.odds, shown.found.state
    return GachaOut(
        odds.product,
        TitleOut(odds.title.en, odds.title.ko),
        odds.digest,
        f"/api/odds/{odds.product}",
        shown.price_gems,
        shown.funds,
        shown.found.is_resting,
        state,
        odds.ceiling_draws,
        certain_within(odds.ceiling_draws, state),
        _next_pull(shown),
        shown.users_today,
    )


def _next_pull(shown: Shown) -> list[RateOut]:
    odds, state = shown.found.odds, shown.found.state
    rates = next(each.rates for each in odds.states if each.first <= state <= each.last)
    return [
        RateOut(
            *(thing.id, thing.tier or "", thing.prize.kind.value, thing.prize.amount, thing.prize.reference),
            *(rate.fraction, rate.decimal),
        )
        for thing, rate in zip(odds.things, rates, strict=True)
        if thing.prize is not None
    ]
