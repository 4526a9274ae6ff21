"""The watch finds the frauds that are known from history, soon enough, and hardly ever an honest table."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from casino_club.features.odds.rules import trials
from casino_club.features.odds.rules.outcomes import outcome_of
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable, table_of
from casino_club.features.odds.rules.trials import Side
from casino_club.features.odds.rules.watch import Count, find, interval
from tests.builders import odds
from tests.builders.odds import a_table

Walk = Iterator[Count]


def walk(engine: OddsTable, rng: random.Random) -> Walk:
    """One user who draws on and on, from this engine."""
    state, left = 0, 0
    while True:
        [wheel] = engine.wheels[state]
        [stop] = rng.choices(range(len(wheel.weights)), cum_weights=wheel.edges)
        outcome = outcome_of(engine, state, (stop,))
        yield Count(state, outcome.name, outcome.next_state, state == left, 1)
        state = left = outcome.next_state


def draws_until_found(published: OddsTable, drawn: Walk, *, at_most: int, look_every: int) -> int | None:
    """How many draws it takes until the product would rest."""
    counts: Counter[Count] = Counter()
    for number in range(1, at_most + 1):
        counts[next(drawn)] += 1
        if number % look_every == 0:
            seen = [replace(count, draws=draws) for count, draws in counts.items()]
            if find(published, seen).is_breach:
                return number
    return None


def gacha(change: Callable[[dict[str, list[int]]], None]) -> OddsTable:
    """The shipped gacha with other weights behind the same page."""
    value = json.loads(next(t for t in shipped_tables() if t.product == "gacha-constellation").text)
    change(value)
    return table_of(value)


PUBLISHED = next(table for table in shipped_tables() if table.product == "gacha-constellation")


def without_the_unlock(value: dict[str, list[dict[str, list[int]]]]) -> None:
    for phase in value["phases"]:
        phase["weights"][0] += phase["weights"][6]
        phase["weights"][6] = 0


def without_rising(value: dict[str, list[dict[str, list[int]]]]) -> None:
    value["phases"][1]["weights"] = value["phases"][0]["weights"]


def without_a_ceiling(value: dict[str, list[dict[str, list[int]]]]) -> None:
    value["phases"][2]["weights"] = value["phases"][0]["weights"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("fraud", "at_most"), [(without_the_unlock, 4_000), (without_rising, 4_000), (without_a_ceiling, 30_000)]
)
def test_frauds_behind_an_honest_page_are_found(fraud: Callable[..., None], at_most: int, seed: int) -> None:
    drawn = walk(gacha(fraud), random.Random(seed))

    assert draws_until_found(PUBLISHED, drawn, at_most=at_most, look_every=100) is not None


@pytest.mark.parametrize("seed", range(10))
def test_a_rate_of_2272_in_place_of_2500_is_found(seed: int) -> None:
    published, rng = a_table(odds.prizes((1, [9_000, 750, 250]))), random.Random(seed)
    drawn, came = 0, Counter[str]()

    while drawn < 500_000:
        for cell in rng.choices(["blank", "ten", "star"], [90_000, 7_728, 2_272], k=5_000):
            came[cell] += 1
        drawn += 5_000
        if find(published, [Count(0, cell, 0, True, number) for cell, number in came.items()]).is_breach:
            break

    assert drawn < 500_000


def test_pity_that_forgets_is_found_by_its_first_broken_link() -> None:
    honest = list(zip(range(50), walk(PUBLISHED, random.Random(1)), strict=False))
    forgotten = [replace(count, state=0, next_state=1, is_linked=False) for _, count in honest[:1]]

    finding = find(PUBLISHED, [*(count for _, count in honest), *forgotten])

    assert finding.is_breach
    assert finding.impossible == "a draw at state 0 does not follow from the user's draw before"


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (Count(0, "star", 1, True, 1), "led to state 1"),
        (Count(4, "blank", 4, True, 1), "no weight"),
        (Count(0, "moon", 1, True, 1), "no weight"),
        (Count(9, "blank", 9, True, 1), "state 9, of 5"),
    ],
)
def test_what_can_not_come_is_a_breach_at_once(count: Count, why: str) -> None:
    finding = find(a_table(odds.with_pity()), [count])

    assert finding.is_breach
    assert why in (finding.impossible or "")


@pytest.mark.parametrize("table", [a_table(odds.prizes((1, [90, 8, 2]))), a_table(odds.with_pity(base=60))])
def test_an_honest_table_is_suspected_as_seldom_as_is_promised(table: OddsTable) -> None:
    runs, bound = 600, 20.0
    alarms = 0
    for seed in range(runs):
        drawn, counts = walk(table, random.Random(seed)), Counter[Count]()
        for number in range(1, 401):
            counts[next(drawn)] += 1
            if number % 10 == 0:
                seen = [replace(count, draws=draws) for count, draws in counts.items()]
                if find(table, seen).evidence >= bound:
                    alarms += 1
                    break

    assert alarms <= runs / bound


def test_evidence_begins_at_one() -> None:
    assert find(a_table(), []).evidence == pytest.approx(1)


def test_an_interval_holds_the_true_rate_at_every_look() -> None:
    rng, missed, runs = random.Random(20261120), 0, 400
    for _ in range(runs):
        came = 0
        for draws in range(1, 301):
            came += rng.random() < 0.03
            low, high = interval(came, draws) if draws % 10 == 0 else (0.0, 1.0)
            if not low <= 0.03 <= high:
                missed += 1
                break

    assert missed <= runs * 0.01


@pytest.mark.parametrize(("came", "draws"), [(0, 0), (0, 50), (50, 50), (3, 100), (30_000, 1_000_000)])
def test_an_interval_holds_what_was_seen(came: int, draws: int) -> None:
    low, high = interval(came, draws)

    assert 0 <= low <= (came / draws if draws else 0.5) <= high <= 1


def test_a_trial_is_shown_to_its_share_of_users_and_to_the_same_ones_for_ever() -> None:
    chosen = [user for user in range(20_000) if trials.is_challenged(1, user, share_permille=100)]
    in_another = [user for user in range(20_000) if trials.is_challenged(2, user, share_permille=100)]

    assert 1_800 < len(chosen) < 2_200
    assert chosen == [user for user in range(20_000) if trials.is_challenged(1, user, share_permille=100)]
    assert len(set(chosen) & set(in_another)) < 300


def test_users_are_the_unit_of_a_trial() -> None:
    few, many = Side(20, 200.0, 2_400.0), Side(1_000, 10_000.0, 140_000.0)

    assert trials.difference(few, many).low is None
    found = trials.difference(many, Side(1_000, 12_000.0, 190_000.0))
    assert found.mean == 2
    assert found.low is not None
    assert found.high is not None
    assert 1.4 < found.low < 2 < found.high < 2.6
