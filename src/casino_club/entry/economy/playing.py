"""Rounds in a row at one game, each drawn exactly. What is played with here has to agree with the books afterwards."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from casino_club.entry.economy.behaviour import UserKind
from casino_club.entry.economy.chance import Exact, happens
from casino_club.entry.economy.games import BetOdds, BonusCell, GameOdds
from casino_club.entry.economy.tally import Betting, Tally
from casino_club.features.odds.rules.shapes import Stake
from casino_club.features.protection.rules.counting import Counts, reached
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.periods import Spans, spans_at
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.rules.bonus import STREAK_MAX, is_enough
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.kernel.clock import Calendar, to_us
from casino_club.kernel.money import Currency

Chance = Callable[[str], Random]
DAILY = Limit(Measure.COINS, Period.DAY)
CALENDAR = Calendar("UTC")
"""Days of a run are those of UTC: nothing that is simulated depends on where midnight is."""


@dataclass(frozen=True, slots=True)
class Table:
    """Where somebody sits down."""

    game: GameOdds
    currency: Currency
    bets: Exact[str]
    bonus: list[BonusCell] | None
    """By streak."""
    worth_coins: Mapping[Currency, int]
    lost_before: int
    lost_max: int | None
    """The user's own limit of coins lost today."""


@dataclass(slots=True)
class Sat:
    """What came of it."""

    currency: Currency
    balance: int
    rounds: int = 0
    staked: int = 0
    won: int = 0
    bonuses: Counter[RewardType] = field(default_factory=Counter)
    """What came on top."""
    ran_out: bool = False


def sit(table: Table, kind: UserKind, balance: int, *, streak: int, now: datetime, chance: Chance, tally: Tally) -> Sat:
    """Play until the user stops, or can't go on."""
    sat, rule = Sat(table.currency, balance), table.game.stake
    bets = {bet: (odds.returns, tally.bets[_betting(table, bet)]) for bet, odds in _playable(table)}
    stake = _stake(rule, kind, balance)
    bonus = _bonus(table, stake)
    rounds, stops, choices = chance("rounds"), chance("stops"), chance("bets")
    may_go_on = _loss_limit(table, now)
    for _ in range(kind.rounds_max):
        if sat.balance < stake:
            sat.ran_out = sat.balance < rule.min
            if sat.ran_out:
                return sat
            stake = _stake(rule, kind, sat.balance)
            bonus = _bonus(table, stake)
        if may_go_on is not None and not may_go_on(sat, stake):
            return sat
        returns, counted = bets[table.bets.drawn(choices)]
        steps = stake // rule.step
        returned = steps * returns.drawn(rounds)
        counted.add(steps, returned)
        sat.balance += returned - stake
        sat.staked += stake
        sat.won += returned
        if bonus is not None:
            _draw_bonus(table, sat, bonus[min(streak + sat.rounds, STREAK_MAX)], rng=chance("bonus"), tally=tally)
        sat.rounds += 1
        if happens(stops, kind.stops_percent if returned >= stake else kind.stops_after_loss_percent):
            return sat
    return sat


def _playable(table: Table) -> list[tuple[str, BetOdds]]:
    return [(bet, table.game.bets[bet]) for bet in table.bets.values]


def _betting(table: Table, bet: str) -> Betting:
    return Betting(table.game.product, bet, table.currency)


def _stake(rule: Stake, kind: UserKind, balance: int) -> int:
    """The share of what they hold that they like to stake, in whole steps, within what they have and the game takes."""
    wanted = min(int(balance * kind.stake_percent / 100), kind.stake_max, rule.max, balance)
    return max(rule.min, wanted // rule.step * rule.step)


def _bonus(table: Table, stake: int) -> list[BonusCell] | None:
    """The bonus that comes with this stake."""
    bonus = table.game.bonus
    return (
        table.bonus if bonus is not None and is_enough(bonus.terms, stake, table.currency, table.worth_coins) else None
    )


def _draw_bonus(table: Table, sat: Sat, cell: BonusCell, *, rng: Random, tally: Tally) -> None:
    prize = cell.odds.drawn(rng).prize
    tally.cells[cell.product, cell.name] += 1
    if not prize.amount:
        return
    tally.hits[cell.product, cell.name] += 1
    given = RewardType(prize.kind)
    sat.bonuses[given] += prize.amount
    if given.value == table.currency.value:
        sat.balance += prize.amount


def _loss_limit(table: Table, now: datetime) -> Callable[[Sat, int], bool] | None:
    """Whether protection would admit one more stake; None where there is no limit."""
    if table.lost_max is None:
        return None
    caps, at_us = {DAILY: table.lost_max}, to_us(now)
    spans: Spans = spans_at(CALENDAR, at_us)

    def may_go_on(sat: Sat, stake: int) -> bool:
        lost = table.lost_before + sat.staked - sat.won
        counts = Counts(spans.starts_us, {DAILY: lost}, at_us, at_us)
        return reached(counts, caps, Status.NORMAL, {Measure.COINS: stake}, at_us=at_us, spans=spans) is None

    return may_go_on
