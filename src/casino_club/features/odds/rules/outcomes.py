"""What a draw gives: from where the wheels stopped, the user's state and bets, to the prize or the return."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from casino_club.features.odds.rules.refusals import InvalidBet
from casino_club.features.odds.rules.shapes import (
    AnyShape,
    Cells,
    LinePay,
    Price,
    Prize,
    Prizes,
    Slot,
    Stake,
    Wager,
)
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.kernel.money import Currency

BETS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Bet:
    """A stake on something."""

    bet: str
    stake: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came, and the state that the user's next draw begins at."""

    name: str
    next_state: int
    returned: int = 0
    prize: Prize | None = None


def check_bets(table: OddsTable, bets: Sequence[Bet]) -> None:
    """Raises `InvalidBet` for bets that this table does not take."""
    shape = table.shape
    if isinstance(shape, Prizes | Cells):
        if bets:
            raise InvalidBet(f"Nothing is staked on {shape.product}.")
        return
    names = [bet.bet for bet in bets]
    if not 1 <= len(names) <= BETS_MAX or len(set(names)) != len(names):
        raise InvalidBet(f"Send between 1 and {BETS_MAX} different bets.")
    for bet in bets:
        if bet.bet not in table.wins:
            raise InvalidBet(f"{shape.product} has no bet {bet.bet[:40]}.")
        _check_stake(shape.stake, bet.stake)


def check_currency(table: OddsTable, currency: Currency | None) -> None:
    """Raises `InvalidBet` for a currency that can't be staked here. Prizes name their price themselves."""
    stake = stake_of(table.shape)
    if stake is None:
        if currency not in (None, price_of(table.shape).currency):
            raise InvalidBet(f"{table.product} is not paid for in {currency}.")
    elif currency not in stake.currencies:
        raise InvalidBet(f"{table.product} takes {', '.join(stake.currencies)}.")


def _check_stake(stake: Stake, wanted: int) -> None:
    if not stake.min <= wanted <= stake.max or wanted % stake.step:
        raise InvalidBet(f"A stake lies between {stake.min} and {stake.max}, in steps of {stake.step}.")


def outcome_of(table: OddsTable, state: int, stops: Sequence[int], bets: Sequence[Bet] = ()) -> Outcome:
    """What these stops give."""
    match table.shape:
        case Prizes() as shape:
            item = shape.items[stops[0]]
            return Outcome(item.id, next_state(table, state, stops[0]), prize=item.prize)
        case Cells() as shape:
            item = shape.items[stops[0]]
            return Outcome(item.id, 0, prize=item.prize)
        case Wager() as shape:
            place = shape.places[stops[0]].id
            step, wins = shape.stake.step, table.wins
            return Outcome(place, 0, sum(bet.stake // step * wins[bet.bet].get(place, 0) for bet in bets))
        case Slot() as shape:
            steps = sum(bet.stake for bet in bets) // shape.stake.step
            return Outcome("-".join(map(str, stops)), 0, steps * _slot_pays(table, tuple(stops)))


def next_state(table: OddsTable, state: int, item: int) -> int:
    """Where a user stands after this item: back at the beginning, or one draw further, the last state at most."""
    shape = table.shape
    if not isinstance(shape, Prizes) or shape.items[item].tier in shape.resets:
        return 0
    return min(state + 1, table.states - 1)


def next_state_of_cell(table: OddsTable, state: int, cell: str) -> int:
    """The same by the item's name; what has no items has no memory."""
    shape = table.shape
    if not isinstance(shape, Prizes):
        return 0
    return next_state(table, state, next(at for at, item in enumerate(shape.items) if item.id == cell))


def line_pays(shape: Slot, stops: Sequence[int]) -> int:
    """What all lines together pay for one step of the stake."""
    columns = [
        [reel[(first + row) % len(reel)].symbol for row in range(shape.rows)]
        for reel, first in zip(shape.reels, stops, strict=True)
    ]
    lines = ([column[row] for column, row in zip(columns, line, strict=True)] for line in shape.lines)
    return sum(line_pay(shape, symbols) for symbols in lines)


def line_pay(shape: Slot, symbols: Sequence[str]) -> int:
    """The best entry for one line."""
    matching = (entry.pays for entry in shape.pays if _begins_with(symbols, entry, shape.wild))
    return max(matching, default=0)


def _begins_with(symbols: Sequence[str], entry: LinePay, wild: str) -> bool:
    return all(shown in (entry.symbol, wild) for shown in symbols[: entry.count])


@lru_cache(maxsize=32_768)
def _slot_pays(table: OddsTable, stops: tuple[int, ...]) -> int:
    """The same, kept: each spin asks for it more than once, and reels stop at so many places only."""
    assert isinstance(table.shape, Slot)
    return line_pays(table.shape, stops)


def cell_of(table: OddsTable, stops: Sequence[int]) -> str:
    """Under what a draw is counted: an item, a place, or a slot's return for one step of the stake."""
    match table.shape:
        case Prizes() | Cells() as shape:
            return shape.items[stops[0]].id
        case Wager() as shape:
            return shape.places[stops[0]].id
        case Slot():
            return str(_slot_pays(table, tuple(stops)))


def prize_named(table: OddsTable, name: str) -> Prize | None:
    """What an item of this name gives, where there are items."""
    shape = table.shape
    if not isinstance(shape, Prizes | Cells):
        return None
    return next(item.prize for item in shape.items if item.id == name)


def state_of_cell(table: OddsTable, name: str | None) -> int:
    """The state that a situation's name stands for. Raises `InvalidBet`."""
    shape = table.shape
    assert isinstance(shape, Cells), f"{table.product} has no cells"
    for state, cell in enumerate(shape.cells):
        if cell.id == name:
            return state
    raise InvalidBet(f"{table.product} has no cell {name}.")


def price_of(shape: AnyShape) -> Price:
    """What a draw of prizes costs."""
    assert isinstance(shape, Prizes | Cells)
    return shape.price


def stake_of(shape: AnyShape) -> Stake | None:
    """What may be staked, where anything is."""
    return shape.stake if isinstance(shape, Wager | Slot) else None
