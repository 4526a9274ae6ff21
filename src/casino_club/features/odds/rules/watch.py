"""Watches what was drawn against what is declared, and may be asked at any time without crying wolf more often.

Evidence is the mean of bets that were fair under the declared rates: 1 at the beginning, and N with a chance of at most
1/N if the odds are honest, however often one looks. The decision on watching odds says why.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, inf, lgamma, log, log1p
from typing import Final

from casino_club.features.odds.rules.exact import rates_at
from casino_club.features.odds.rules.outcomes import next_state_of_cell
from casino_club.features.odds.rules.tables import OddsTable

BREACH: Final = 1_000_000.0
"""An honest table is taken for a dishonest one at most once in so many watches."""
PRIOR_DRAWS: Final = (100.0, 10_000.0, 1_000_000.0)
"""How far each bet believes the true rate to be from the declared one: as far as after so many draws, by chance."""
CONFIDENCE: Final = 0.99

_BISECTIONS: Final = 60


@dataclass(frozen=True, slots=True)
class Count:
    """How often a cell came at a state and led to the next. Linked, where the state was the one left before."""

    state: int
    cell: str
    next_state: int
    is_linked: bool
    draws: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One cell of the states from first to last, which share their rates."""

    first: int
    last: int
    cell: str
    declared: Fraction
    draws: int
    came: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where its true rate lies, with 99% confidence that holds at every look."""
        return interval(self.came, self.draws)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the counts of a table say. Something impossible is evidence beyond any number."""

    evidence: float
    impossible: str | None = None

    @property
    def is_breach(self) -> bool:
        return self.evidence >= BREACH


def find(table: OddsTable, counts: Sequence[Count]) -> Finding:
    """How strongly the counts speak against the table."""
    for why in _impossible(table, counts):
        return Finding(inf, why)
    seen = [each for each in observed(table, counts) if 0 < each.declared < 1]
    return Finding(_mean_exp([log_bet(each, prior) for each in seen for prior in PRIOR_DRAWS]))


def observed(table: OddsTable, counts: Iterable[Count]) -> Iterator[Seen]:
    """Every cell with how often it came, states with the same rates taken together."""
    came: dict[tuple[int, str], int] = {}
    for count in counts:
        came[count.state, count.cell] = came.get((count.state, count.cell), 0) + count.draws
    for first, last in groups(table):
        by_cell: dict[str, int] = {}
        for (state, cell), draws in came.items():
            if first <= state <= last:
                by_cell[cell] = by_cell.get(cell, 0) + draws
        for cell, rate in rates_at(table, first).items():
            yield Seen(first, last, cell, rate, sum(by_cell.values()), by_cell.get(cell, 0))


def groups(table: OddsTable) -> list[tuple[int, int]]:
    """States in a row that share their weights."""
    wheels = table.wheels
    begins = [at for at in range(len(wheels)) if at == 0 or wheels[at] != wheels[at - 1]]
    return list(zip(begins, [begin - 1 for begin in (*begins[1:], len(wheels))], strict=True))


def log_bet(seen: Seen, prior_draws: float) -> float:
    """The logarithm of what a bet on one cell has grown to.

    Its odds are those of a Beta law around the declared rate against that rate, updated with every draw: a martingale
    if the declared rate is true, and so is each mean of such bets, whichever of them moves with a draw.
    """
    rate = float(seen.declared)
    hits, misses = prior_draws * rate, prior_draws * (1 - rate)
    grown = _log_beta(hits + seen.came, misses + seen.draws - seen.came) - _log_beta(hits, misses)
    return grown - seen.came * log(rate) - (seen.draws - seen.came) * log1p(-rate)


def interval(came: int, draws: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """All rates against which a bet without an opinion has not grown to 1/(1 - confidence): valid at every look."""
    if draws == 0:
        return 0.0, 1.0
    bound = -log(1 - confidence)

    def refutes(rate: float) -> bool:
        missed = draws - came
        told = _log_beta(0.5 + came, 0.5 + missed) - _log_beta(0.5, 0.5)
        told -= came * log(rate) if came else 0.0
        told -= missed * log1p(-rate) if missed else 0.0
        return told >= bound

    share = came / draws
    return _edge(refutes, share, 0.0), _edge(refutes, share, 1.0)


def _edge(refutes: Callable[[float], bool], inside: float, end: float) -> float:
    """Where rates begin to be refuted between one that is not and an end."""
    outside = end
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if 0 < middle < 1 and refutes(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _impossible(table: OddsTable, counts: Iterable[Count]) -> Iterator[str]:
    for count in counts:
        if not 0 <= count.state < table.states:
            yield f"a draw at state {count.state}, of {table.states}"
        elif not rates_at(table, count.state).get(count.cell):
            yield f"{count.cell} came at state {count.state}, where it has no weight"
        elif count.next_state != next_state_of_cell(table, count.state, count.cell):
            yield f"{count.cell} at state {count.state} led to state {count.next_state}"
        elif not count.is_linked:
            yield f"a draw at state {count.state} does not follow from the user's draw before"


def _log_beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)


def _mean_exp(logarithms: Sequence[float]) -> float:
    """The mean of numbers whose logarithms are given, without leaving what a float holds."""
    if not logarithms:
        return 1.0
    most = max(logarithms)
    if most > 700:
        return inf
    return sum(exp(each - most) for each in logarithms) * exp(most) / len(logarithms)
