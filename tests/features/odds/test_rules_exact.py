"""Exact figures against ways of finding them that have nothing in common with ours."""

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.odds.rules import exact
from casino_club.features.odds.rules.chain import long_run, longest_wait
from casino_club.features.odds.rules.disclosure import disclose, exactly
from casino_club.features.odds.rules.outcomes import Bet, outcome_of
from casino_club.features.odds.rules.shapes import PrizeKind
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable
from tests.builders import odds
from tests.builders.odds import a_table

SHIPPED = {table.product: table for table in shipped_tables()}


def drawn_everything(table: OddsTable, state: int, bets: list[Bet]) -> Counter[tuple[str, int, int]]:
    """What the engine gives for every combination of stops, each counted as often as it weighs."""
    wheels = table.wheels[state]
    found: Counter[tuple[str, int, int]] = Counter()
    for stops in product(*(range(len(wheel.weights)) for wheel in wheels)):
        outcome = outcome_of(table, state, stops, bets)
        found[outcome.name, outcome.returned, outcome.next_state] += prod(
            wheel.weights[place] for wheel, place in zip(wheels, stops, strict=True)
        )
    return found


@pytest.mark.parametrize("table", [*SHIPPED.values(), a_table(odds.slot())], ids=lambda table: table.product)
def test_what_is_disclosed_is_what_the_engine_gives(table: OddsTable) -> None:
    page = disclose(table)

    for bet in page.bets:
        step = table.shape.stake.step  # type: ignore[union-attr]  # only what is staked has bets
        drawn = drawn_everything(table, 0, [Bet(bet.id, step * 10)])
        whole = sum(drawn.values())
        back = Fraction(sum(returned * weight for (_, returned, _), weight in drawn.items()), whole * step * 10)
        hits = Fraction(sum(weight for (_, returned, _), weight in drawn.items() if returned), whole)
        gains = Fraction(sum(weight for (_, returned, _), weight in drawn.items() if returned > step * 10), whole)
        assert (bet.rtp, bet.hit_rate, bet.gain_rate) == (exactly(back), exactly(hits), exactly(gains))
    for group in page.states:
        for state in range(group.first, group.last + 1):
            drawn = drawn_everything(table, state, [])
            whole = sum(drawn.values())
            rates = Counter[str]()
            for (name, _, _), weight in drawn.items():
                rates[name] += weight
            assert [exactly(Fraction(rates[thing.id], whole)) for thing in page.things] == group.rates


def test_roulette_gives_back_36_parts_of_37_whatever_is_bet() -> None:
    table = SHIPPED["roulette-european"]

    assert {exact.rtp(table, bet) for bet in table.wins} == {Fraction(36, 37)}
    assert exact.hit_rate(table, "straight-17") == Fraction(1, 37)
    assert exact.hit_rate(table, "red") == Fraction(18, 37)
    assert len(table.wins) == 157


def test_the_slot_gives_back_between_92_and_97_parts_of_100() -> None:
    table = SHIPPED["slot-orchard"]

    assert exact.rtp(table, "spin") == Fraction(8755, 9216)
    assert exact.gain_rate(table, "spin") == exact.hit_rate(table, "spin") == Fraction(625, 2304)


def test_the_hidden_move_is_any_of_three_alike() -> None:
    table = SHIPPED["rps-ai"]

    assert set(exact.rates_at(table, 0).values()) == {Fraction(1, 3)}
    assert {exact.rtp(table, move) for move in table.wins} == {Fraction(29, 30)}


def test_the_gachas_content_is_at_one_percent_until_luck_is_certain() -> None:
    table = SHIPPED["gacha-constellation"]

    rates = [exact.rates_at(table, state)["stage-3-unlock"] for state in range(table.states)]

    assert rates == [Fraction(1, 100)] * 79 + [0]
    assert table.holds_content
    assert exact.ceiling(table) == 80


def test_the_long_run_of_pity_follows_from_how_long_luck_stays_away() -> None:
    table = SHIPPED["gacha-constellation"]
    luck = [sum(exact.rates_at(table, at)[name] for name in ("tokens-200", "star-badge")) for at in range(table.states)]
    waiting = [prod((1 - chance for chance in luck[:at]), start=Fraction(1)) for at in range(table.states)]

    shares = exact.state_shares(table)

    assert list(shares) == [each / sum(waiting) for each in waiting]
    rates = exact.long_run_rates(table)
    assert rates["tokens-200"] + rates["star-badge"] == 1 / sum(waiting)
    assert sum(rates.values()) == 1


@st.composite
def chains(draw: st.DrawFn) -> list[dict[int, Fraction]]:
    """Any chain that always may begin anew, and reaches each state from the one before."""
    size = draw(st.integers(1, 6))
    rows = []
    for state in range(size):
        weights = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
        weights[0] += 1
        weights[(state + 1) % size] += 1
        rows.append({to: Fraction(each, sum(weights)) for to, each in enumerate(weights) if each})
    return rows


@given(chains())
def test_one_more_draw_leaves_the_long_run_as_it_is(steps: list[dict[int, Fraction]]) -> None:
    shares = long_run(steps)

    after = [sum(share * steps[at].get(to, 0) for at, share in enumerate(shares)) for to in range(len(steps))]

    assert sum(shares) == 1
    assert after == shares


def test_the_ceiling_is_the_longest_way_without_luck() -> None:
    nowhere: frozenset[int] = frozenset()

    assert longest_wait([frozenset({1, 2}), frozenset({2}), nowhere]) == 3
    assert longest_wait([frozenset({1}), frozenset({0})]) is None
    assert longest_wait([frozenset({0})]) is None
    assert longest_wait([nowhere, frozenset({1})]) == 1
    assert exact.ceiling(a_table(odds.with_pity(ceiling=7))) == 7
    assert exact.ceiling(a_table(odds.prizes((5, [1, 1, 1]), resets=["legendary"]))) is None
    assert exact.ceiling(a_table()) is None


def test_prizes_have_expected_values_and_a_return_in_what_was_paid() -> None:
    page = disclose(a_table())

    assert [(value.kind, value.per_draw.fraction) for value in page.expected_value] == [
        (PrizeKind.COIN, "9/10"),
        (PrizeKind.BADGE, "1/100"),
    ]
    assert page.rtp == exactly(Fraction(9, 50))
    assert page.hit_rate == exactly(Fraction(1, 10))


def test_cells_are_disclosed_one_by_one() -> None:
    page = disclose(a_table(odds.cells()))

    assert [(cell.cell, cell.hit_rate.decimal) for cell in page.states] == [("low", "0.05"), ("whale", "0.15")]
    assert page.hit_rate is None


@pytest.mark.parametrize(
    ("value", "text", "is_whole"),
    [
        (Fraction(1, 37), "0.027027027027027", False),
        (Fraction(2, 3), "0.666666666666667", False),
        (Fraction(1, 8), "0.125", True),
        (Fraction(0), "0", True),
        (Fraction(12), "12", True),
        (Fraction(1, 2 * 10**15), "0", False),
        (Fraction(3, 2 * 10**15), "0.000000000000002", False),
    ],
)
def test_decimals_are_rounded_by_whole_numbers_and_say_so(value: Fraction, text: str, is_whole: bool) -> None:
    assert (exact.decimal(value), exact.is_exact(value)) == (text, is_whole)
