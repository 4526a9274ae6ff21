"""A rulebook's tables, ready to be drawn from often: what bets give, cells of bonuses, states of gachas."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from casino_club.entry.economy.chance import Exact, exact
from casino_club.entry.economy.rulebook import Rulebook
from casino_club.features.odds.rules.exact import expected_prizes, rates_at, returns_of, rtp
from casino_club.features.odds.rules.markets import Game
from casino_club.features.odds.rules.outcomes import next_state, stake_of
from casino_club.features.odds.rules.shapes import Cells, Item, Prizes, Stake
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.rewards.rules import bonus as bonus_rules
from casino_club.features.rewards.rules.bonus import (
    BONUSES,
    LEVEL_MAX,
    STREAK_MAX,
    BonusTerms,
    Risk,
    cell_of,
)


@dataclass(frozen=True, slots=True)
class BetOdds:
    """What one step of a bet gives back, and how far that lies from the mean."""

    returns: Exact[int]
    rtp: Fraction
    variance: Fraction
    """Of what one step gives back,"""
    third: Fraction
    """and its third central moment."""


class BonusCell(NamedTuple):
    """One cell of a bonus, and what comes in it."""

    product: str
    name: str
    odds: Exact[Item]


@dataclass(frozen=True, slots=True)
class BonusOdds:
    """A bonus that comes with a game: what each cell gives."""

    product: str
    terms: bonus_rules.Bonus
    rows: Mapping[BonusTerms, list[BonusCell]]
    """A user's cells, by streak."""
    chances: Mapping[str, Fraction]
    """How likely each cell gives anything."""


@dataclass(frozen=True, slots=True)
class GameOdds:
    """A game of stakes."""

    game: Game
    product: str
    stake: Stake
    bets: Mapping[str, BetOdds]
    bonus: BonusOdds | None


@dataclass(frozen=True, slots=True)
class GachaOdds:
    """A gacha: items by state."""

    product: str
    table: OddsTable
    items: tuple[Item, ...]
    states: tuple[Exact[int], ...]
    price_gems: int

    def next_state(self, state: int, item: int) -> int:
        return next_state(self.table, state, item)


class Parlour:
    """All games of a rulebook."""

    def __init__(self, rules: Rulebook) -> None:
        self.rules = rules

    @cached_property
    def games(self) -> dict[str, GameOdds]:
        """Games of stakes, by product."""
        found = {product: stake_of(table.shape) for product, table in sorted(self.rules.tables.items())}
        return {product: self._game(product, stake) for product, stake in found.items() if stake is not None}

    @cached_property
    def gachas(self) -> dict[str, GachaOdds]:
        """Gachas, by product."""
        tables = sorted(self.rules.tables.items())
        return {
            product: _gacha(product, table, table.shape) for product, table in tables if isinstance(table.shape, Prizes)
        }

    def _game(self, product: str, stake: Stake) -> GameOdds:
        table = self.rules.tables[product]
        bets = {bet: _bet(table, bet) for bet in table.wins}
        game = next(each for each in Game if product.startswith(f"{each}-"))
        return GameOdds(game, product, stake, bets, self._bonus(product, max(each.rtp for each in bets.values())))

    def _bonus(self, product: str, rtp_max: Fraction) -> BonusOdds | None:
        """The one that comes with a game; none where both together would give back more than they may."""
        terms = BONUSES.get(product)
        if terms is None:
            return None
        table = self.rules.tables[terms.product]
        worth = max(_worth_coins(table, state, self.rules) for state in range(table.states))
        if bonus_rules.most_back(rtp_max, worth, terms) > bonus_rules.BACK_MAX:
            return None
        assert isinstance(table.shape, Cells)
        names = [cell.id for cell in table.shape.cells]
        rates = {name: rates_at(table, state) for state, name in enumerate(names)}
        prizes = {item.id: item for item in table.shape.items}
        found = {name: {prizes[item]: rate for item, rate in each.items()} for name, each in rates.items()}
        chances = {
            name: sum((rate for item, rate in each.items() if item.prize.amount), Fraction())
            for name, each in found.items()
        }
        cells = {name: BonusCell(terms.product, name, exact(each)) for name, each in found.items()}
        return BonusOdds(terms.product, terms, _rows(cells), chances)


def _rows(cells: Mapping[str, BonusCell]) -> dict[BonusTerms, list[BonusCell]]:
    everybody = [BonusTerms(level, risk) for level in range(LEVEL_MAX + 1) for risk in Risk]
    return {terms: [cells[cell_of(terms, streak)] for streak in range(STREAK_MAX + 1)] for terms in everybody}


def _worth_coins(table: OddsTable, state: int, rules: Rulebook) -> Fraction:
    worth = {each.value: coins for each, coins in rules.amounts.worth_coins.items()}
    prizes = expected_prizes(table, rates_at(table, state))
    return sum((amount * worth.get(kind.value, 0) for kind, amount in prizes.items()), Fraction())


def _bet(table: OddsTable, bet: str) -> BetOdds:
    returns = dict(sorted(returns_of(table, bet).items()))
    mean = sum((pays * rate for pays, rate in returns.items()), Fraction())
    variance = sum(((pays - mean) ** 2 * rate for pays, rate in returns.items()), Fraction())
    third = sum(((pays - mean) ** 3 * rate for pays, rate in returns.items()), Fraction())
    return BetOdds(exact(returns), rtp(table, bet), variance, third)


def _gacha(product: str, table: OddsTable, shape: Prizes) -> GachaOdds:
    states = [exact(dict(enumerate(rates_at(table, state).values()))) for state in range(table.states)]
    return GachaOdds(product, table, shape.items, tuple(states), shape.price.amount)
