"""The report of a run: what the counts mean, in a fixed shape that programs may rely on."""

from collections.abc import Iterable
from fractions import Fraction
from math import sqrt
from statistics import median
from typing import Final

import msgspec

from casino_club.entry.economy.checks import Check, checks_of
from casino_club.entry.economy.simulation import Run
from casino_club.entry.economy.tally import Day
from casino_club.kernel.money import Currency

FORMAT: Final = "casino-club/economy/1"
DIGITS: Final = 6
WEEK: Final = 7
FOR_NOTHING: Final = ("free_coins", "bonus", "gacha_prize", "package")
"""Reasons of coins that came in and were not won."""


class DayOut(msgspec.Struct, frozen=True):
    """One day."""

    day: int
    arrived: int
    active: int
    left: int
    purchases: int
    krw: int
    ran_out: int
    ran_out_share: float
    """Of the active: at some time they could not pay the least stake, and no free coins were due."""
    held: dict[str, int]
    """What all users hold of each currency at its end."""
    held_per_active: dict[str, float]
    """What those who came hold at its end, each on average."""


class FlowOut(msgspec.Struct, frozen=True):
    """What came in or went out for one reason, in all."""

    currency: str
    reason: str
    came_in: int
    went_out: int


class GameOut(msgspec.Struct, frozen=True):
    """A bet that was played."""

    product: str
    bet: str
    currency: str
    rounds: int
    staked: int
    returned: int
    rtp_declared: float
    rtp_observed: float
    rtp_low: float
    """Four standard deviations below what is declared, for these stakes,"""
    rtp_high: float
    """and above."""


class KindOut(msgspec.Struct, frozen=True):
    """One kind of users, each on average."""

    kind: str
    users: int
    days_active: float
    rounds: float
    coins_at_end: float
    days_ran_out: float


class HeadlinesOut(msgspec.Struct, frozen=True):
    """Figures that sum it up. A share is None where there is nothing to be a share of."""

    rounds: int
    coins_staked: int
    coins_returned: int
    rtp_coins: float | None
    free_coins_share: float | None
    """Of the coins that came in and were not won."""
    bonus_cost: float | None
    """Coins of bonuses, beside the coins staked."""
    ran_out_share: float | None
    """Of the days of active users."""
    coins_per_active: float | None
    """What users who came hold, on average of the last week,"""
    coins_growth: float | None
    """and how it compares with the week before: 0.05 is 5% more."""
    paying_share: float | None
    """Of all users, those who paid at least once."""
    krw_per_user: float | None
    days_to_first_purchase: float | None
    """The median of those who paid."""


class PlanOut(msgspec.Struct, frozen=True):
    """What was run."""

    users: int
    days: int
    seed: int
    mix: str
    rules: str
    digests: dict[str, str]
    """Of each product's table, and of the catalogue."""


class ReportOut(msgspec.Struct, frozen=True):
    """One run."""

    format: str
    plan: PlanOut
    headlines: HeadlinesOut
    checks: list[Check]
    flows: list[FlowOut]
    games: list[GameOut]
    kinds: list[KindOut]
    first_purchases: list[int]
    """How many users paid for the first time so many days after they had come: 0, 1, 2 …"""
    sold: dict[str, int]
    """Items of the catalogue."""
    goods: dict[str, int]
    """What was given that is no money. Free spins are played."""
    days: list[DayOut]


def report_of(run: Run) -> ReportOut:
    """All of it."""
    plan, rules = run.plan, run.rules
    return ReportOut(
        format=FORMAT,
        plan=PlanOut(plan.users, plan.days, plan.seed, plan.mix_name, rules.name, rules.digests),
        headlines=_headlines(run),
        checks=checks_of(run),
        flows=_flows(run),
        games=_games(run),
        kinds=_kinds(run),
        first_purchases=_first_purchases(run),
        sold=dict(sorted(run.tally.sold.items())),
        goods=dict(sorted((str(name), amount) for name, amount in run.tally.goods.items())),
        days=_days(run),
    )


def share(part: float | Fraction, whole: float) -> float | None:
    """Rounded, so that it reads the same everywhere; None of nothing."""
    return round(float(part / whole), DIGITS) if whole else None


def _headlines(run: Run) -> HeadlinesOut:
    coins = [(each, counted) for each, counted in run.tally.bets.items() if each.currency is Currency.COIN]
    staked = sum(counted.steps * run.parlour.games[each.product].stake.step for each, counted in coins)
    returned = sum(counted.returned for _, counted in coins)
    given = {flow.reason: flow.came_in for flow in _flows(run) if flow.currency == Currency.COIN}
    for_nothing = sum(amount for reason, amount in given.items() if reason in FOR_NOTHING)
    days, people = run.tally.days, run.tally.people
    waits = [each.first_purchase for each in people if each.first_purchase is not None]
    last, before = _coins_of(days[-WEEK:]), _coins_of(days[-2 * WEEK : -WEEK])
    return HeadlinesOut(
        rounds=sum(counted.rounds for counted in run.tally.bets.values()),
        coins_staked=staked,
        coins_returned=returned,
        rtp_coins=share(returned, staked),
        free_coins_share=share(given.get("free_coins", 0), for_nothing),
        bonus_cost=share(given.get("bonus", 0), staked),
        ran_out_share=share(sum(day.ran_out for day in days), sum(day.active for day in days)),
        coins_per_active=last,
        coins_growth=None if last is None or not before else round(last / before - 1, DIGITS),
        paying_share=share(sum(each.first_purchase is not None for each in people), len(people)),
        krw_per_user=share(sum(each.krw for each in people), len(people)),
        days_to_first_purchase=None if not waits else float(median(waits)),
    )


def _coins_of(days: Iterable[Day]) -> float | None:
    found = list(days)
    return share(sum(day.held_active[Currency.COIN] for day in found), sum(day.active for day in found))


def _flows(run: Run) -> list[FlowOut]:
    sums: dict[tuple[Currency, str], list[int]] = {}
    for flow, amount in run.books.flows.items():
        sums.setdefault((flow.currency, flow.reason), [0, 0])[0 if flow.is_source else 1] += amount
    return [FlowOut(currency, reason, *sums[currency, reason]) for currency, reason in sorted(sums)]


def _games(run: Run) -> list[GameOut]:
    return [
        GameOut(
            *(betting.product, betting.bet, betting.currency, counted.rounds),
            *(counted.steps * step, counted.returned, round(float(odds.rtp), DIGITS)),
            share(counted.returned, counted.steps * step) or 0.0,
            *(round(float(odds.rtp) + sign * width, DIGITS) for sign in (-1, 1)),
        )
        for betting, counted in sorted(run.tally.bets.items())
        if counted.rounds
        for game in [run.parlour.games[betting.product]]
        for step, odds in [(game.stake.step, game.bets[betting.bet])]
        for width in [4 * sqrt(odds.variance * counted.squares) / (counted.steps * step)]
    ]


def _kinds(run: Run) -> list[KindOut]:
    found = []
    for name in sorted(run.plan.mix.kinds):
        people = [each for each in run.tally.people if each.kind == name]
        sums = (
            *(sum(each.days_active for each in people), sum(each.rounds for each in people)),
            *(sum(each.coins_at_end for each in people), sum(each.days_ran_out for each in people)),
        )
        found.append(KindOut(name, len(people), *(share(each, len(people)) or 0.0 for each in sums)))
    return found


def _first_purchases(run: Run) -> list[int]:
    found = [0] * run.plan.days
    for each in run.tally.people:
        if each.first_purchase is not None:
            found[each.first_purchase] += 1
    return found


def _days(run: Run) -> list[DayOut]:
    held = dict.fromkeys(Currency, 0)
    changes: dict[tuple[int, Currency], int] = {}
    for flow, amount in run.books.flows.items():
        at = flow.day, flow.currency
        changes[at] = changes.get(at, 0) + (amount if flow.is_source else -amount)
    found = []
    for number, day in enumerate(run.tally.days):
        held = {currency: amount + changes.get((number, currency), 0) for currency, amount in held.items()}
        per_active = {str(each): share(day.held_active[each], day.active) or 0.0 for each in Currency}
        found.append(
            DayOut(
                *(number + 1, day.arrived, day.active, day.left, day.purchases, day.krw, day.ran_out),
                share(day.ran_out, day.active) or 0.0,
                {str(currency): amount for currency, amount in held.items()},
                per_active,
            )
        )
    return found
