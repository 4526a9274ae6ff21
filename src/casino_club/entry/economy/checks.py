"""What has to hold of a run, or it proves nothing: no coin is lost or made, and games give what is published."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from fractions import Fraction
from math import sqrt
from typing import Final

import msgspec

from casino_club.entry.economy.games import GachaOdds
from casino_club.entry.economy.simulation import Run
from casino_club.kernel.money import Currency

SIGMAS: Final = 4
"""An honest figure lies further off once in 16,000."""
SKEW_MAX: Final = 0.2
"""A sum that leans more to one side was drawn too few times for a strict bound."""
FEW_SIGMAS: Final = 5
FEW_JUMPS: Final = 8
"""How far a sum may be off then, in greatest single draws besides: by Bernstein, less than once in 10,000."""


class Verdict(StrEnum):
    """What a check says."""

    HOLDS = "holds"
    BROKEN = "broken"
    TOO_FEW = "too_few"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: what is, what should be, and how far it may be off."""

    name: str
    about: str
    verdict: Verdict
    found: float
    expected: float
    off_max: float


def checks_of(run: Run) -> list[Check]:
    """All of them."""
    return [*_conservation(run), *_returns(run), *_bonuses(run), *_gachas(run)]


def is_sound(checks: list[Check]) -> bool:
    """Whether none is broken."""
    return all(check.verdict is not Verdict.BROKEN for check in checks)


def _conservation(run: Run) -> Iterator[Check]:
    for currency in Currency:
        held, came = run.tally.held_at_end[currency], run.books.came_of(currency)
        yield _equal(f"conservation {currency}", "What users hold is what came in without what went out.", held, came)
        drift = run.tally.drift[currency]
        yield _equal(f"played {currency}", "What was played with is what the books say.", drift, 0)


def _equal(name: str, about: str, found: int, expected: int) -> Check:
    return Check(name, about, Verdict.HOLDS if found == expected else Verdict.BROKEN, found, expected, 0)


def _returns(run: Run) -> Iterator[Check]:
    for betting, counted in sorted(run.tally.bets.items()):
        game = run.parlour.games[betting.product]
        odds, step = game.bets[betting.bet], game.stake.step
        yield _near(
            f"rtp {betting.product} {betting.bet} {betting.currency}",
            "What it gave back is what its table declares.",
            counted.returned,
            counted.steps * odds.rtp * step,
            (counted.squares * odds.variance, counted.cubes * odds.third),
            counted.steps_max * odds.returns.values[-1],
        )


def _bonuses(run: Run) -> Iterator[Check]:
    for game in run.parlour.games.values():
        if game.bonus is None:
            continue
        product, chances = game.bonus.product, game.bonus.chances
        draws = [(chances[cell], times) for (of, cell), times in run.tally.cells.items() if of == product]
        yield _near(
            f"bonus {product}",
            "It came as often as the cells declare.",
            sum(times for (of, _), times in run.tally.hits.items() if of == product),
            sum((rate * times for rate, times in draws), Fraction()),
            _spread(draws),
            1,
        )


def _gachas(run: Run) -> Iterator[Check]:
    for gacha in run.parlour.gachas.values():
        drawn = [run.tally.states[gacha.product, state] for state in range(len(gacha.states))]
        for place, item in enumerate(gacha.items):
            rates = [(_rate(gacha, state, place), times) for state, times in enumerate(drawn)]
            yield _near(
                f"gacha {gacha.product} {item.id}",
                "It came as often as the states declare.",
                run.tally.items[gacha.product, item.id],
                sum((rate * times for rate, times in rates), Fraction()),
                _spread(rates),
                1,
            )


def _rate(gacha: GachaOdds, state: int, place: int) -> Fraction:
    edges = gacha.states[state].edges
    return Fraction(edges[place] - (edges[place - 1] if place else 0), edges[-1])


def _spread(draws: Sequence[tuple[Fraction, int]]) -> tuple[Fraction, Fraction]:
    """Variance and third central moment of how often something comes, at these rates so many times."""
    ones = [(rate * (1 - rate) * times, 1 - 2 * rate) for rate, times in draws]
    return sum((each for each, _ in ones), Fraction()), sum((each * lean for each, lean in ones), Fraction())


def _near(name: str, about: str, found: int, expected: Fraction, spread: tuple[Fraction, Fraction], jump: int) -> Check:
    """Within four standard deviations; within a wider bound, which proves less, where the sum leans to one side."""
    deviation, lean = sqrt(spread[0]), abs(float(spread[1]))
    are_few = lean > SKEW_MAX * deviation**3 or not deviation
    off_max = FEW_SIGMAS * deviation + FEW_JUMPS * jump if are_few else SIGMAS * deviation
    verdict = Verdict.TOO_FEW if are_few else Verdict.HOLDS
    if abs(found - float(expected)) > off_max:
        verdict = Verdict.BROKEN
    return Check(name, about, verdict, found, round(float(expected), 3), round(off_max, 3))
