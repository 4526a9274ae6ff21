"""What a table may be. Whatever does not hold together is refused with a sentence."""

from typing import Any

import pytest

from casino_club.features.odds.rules.outcomes import Bet, check_bets, outcome_of
from casino_club.features.odds.rules.refusals import InvalidBet, InvalidTable
from casino_club.features.odds.rules.shapes import WEIGHT_MAX
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import draft_table, read_table, table_of
from casino_club.features.odds.rules.wheels import stop, wheel_of
from tests.builders import odds
from tests.builders.odds import a_table, as_json


def test_the_layout_of_a_draft_does_not_matter_and_every_number_does() -> None:
    table = draft_table(as_json(odds.prizes()))

    assert read_table(table.text).digest == table.digest == a_table().digest
    assert a_table(odds.prizes((1, [90, 8, 2]))).digest != table.digest


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (odds.prizes((1, [0, 0, 0])), "add up to 0"),
        (odds.prizes((1, [1, 1])), "2 weights for 3 places"),
        (odds.prizes((1, [WEIGHT_MAX, 1, 0])), "add up to"),
        (odds.prizes(resets=["mythic"]), "no item is of the tier mythic"),
        (odds.prizes((2, [1, 1, 1])), "need a tier that resets"),
        (odds.prizes((150, [1, 1, 1]), (60, [1, 1, 1]), resets=["legendary"]), "210 draws long"),
        (odds.prizes(items=odds.prizes()["items"][:1] * 3), "item blank stands twice"),
        (odds.prizes(colour="red"), "unknown field"),
        (odds.prizes(format="casino-club/odds-table/2"), "Invalid enum value"),
        (odds.wager(stake={**odds.STAKE, "max": 15}), "no multiples of the step"),
        (odds.wager(stake={**odds.STAKE, "min": 2_000}), "above the greatest"),
        (odds.wager(bets=[{"id": "edge", "wins": [{"on": ["edge"], "pays": 1}]}]), "there is no place edge"),
        (odds.wager(bets=[{"id": "both", "wins": [{"on": ["heads", "heads"], "pays": 1}]}]), "heads stands twice"),
        (odds.slot(lines=[[0, 2]]), "does not name a row"),
        (odds.slot(lines=[[0]]), "does not name a row"),
        (odds.slot(lines=[[0, 0], [0, 0]]), "stands twice"),
        (odds.slot(rows=4), "fewer stops than the window"),
        (odds.slot(wild="joker"), "no reel shows the wild symbol"),
        (odds.slot(pays=[{"symbol": "seven", "count": 2, "pays": 1}]), "no line can show 2 seven"),
        (odds.slot(reels=[[{"symbol": "plum", "weight": 1}] * 200] * 3), "combinations"),
        ([], "Expected `object`"),
        ({**odds.cells(), "cells": [{"id": "low", "weights": [1, 1]}] * 2}, "cell low stands twice"),
    ],
)
def test_a_table_that_does_not_hold_together_is_refused(value: Any, why: str) -> None:
    with pytest.raises(InvalidTable, match=why):
        table_of(value)


def test_every_total_of_an_8_bit_word_favours_nobody() -> None:
    for total in range(1, 257):
        wheel = wheel_of([1] * total)

        places = [wheel.place_of(word, bits=8) for word in range(256)]

        assert {places.count(place) for place in range(total)} == {256 // total}
        assert places.count(None) == 256 % total


def test_each_place_has_as_many_8_bit_words_as_its_weight_says() -> None:
    weights = [3, 0, 1, 7, 0]
    wheel = wheel_of(weights)

    places = [wheel.place_of(word, bits=8) for word in range(256)]

    assert wheel.weights == weights
    assert [places.count(place) for place in range(5)] == [256 // 11 * weight for weight in weights]


def test_a_word_that_is_passed_over_is_replaced_by_the_next() -> None:
    assert stop([wheel_of([1, 2]), wheel_of([1])], iter([2**64 - 1, 4, 0])) == (1, 0)


def test_a_wager_pays_every_bet_that_covers_the_place() -> None:
    table = a_table(odds.wager())

    outcome = outcome_of(table, 0, (1,), [Bet("heads", 50), Bet("tails", 20)])

    assert (outcome.name, outcome.returned) == ("tails", 28)


def test_a_slot_pays_each_line_its_best_entry_and_lets_the_wild_symbol_stand_for_any() -> None:
    table = a_table(odds.slot())

    plum_over_bell, wild_over_plum = (
        outcome_of(table, 0, stops, [Bet("spin", 20)]).returned for stops in ((0, 2), (2, 1))
    )

    assert plum_over_bell == 2 * (6 + 30)
    assert wild_over_plum == 2 * (6 + 6)


def test_pity_counts_draws_and_forgets_them_with_luck() -> None:
    table = a_table(odds.with_pity(ceiling=3))

    assert [outcome_of(table, state, (0,)).next_state for state in (0, 1)] == [1, 2]
    assert outcome_of(table, 2, (2,)).next_state == 0


@pytest.mark.parametrize(
    ("table", "bets"),
    [
        (odds.prizes(), [Bet("spin", 10)]),
        (odds.wager(), []),
        (odds.wager(), [Bet("edge", 10)]),
        (odds.wager(), [Bet("heads", 0)]),
        (odds.wager(), [Bet("heads", -10)]),
        (odds.wager(), [Bet("heads", 15)]),
        (odds.wager(), [Bet("heads", 10**15)]),
        (odds.wager(), [Bet("heads", 10), Bet("heads", 10)]),
        (odds.slot(), [Bet("lines", 10)]),
    ],
)
def test_a_bet_that_the_table_does_not_take_is_refused(table: dict[str, Any], bets: list[Bet]) -> None:
    with pytest.raises(InvalidBet):
        check_bets(a_table(table), bets)


@pytest.mark.parametrize(
    ("prize", "why"),
    [
        ({"kind": "COIN", "amount": 0}, "gives 0 of COIN"),
        ({"kind": "CONTENT_UNLOCK", "amount": 4}, "stage above 3"),
        ({"kind": "BADGE", "amount": 2, "reference": "star"}, "more than once"),
        ({"kind": "BADGE", "amount": 1}, "which badge"),
        ({"kind": "COUPON", "amount": 1}, "which coupon"),
        ({"kind": "COIN", "amount": 5, "reference": "star"}, "no reference"),
    ],
)
def test_what_nobody_could_be_given_is_no_draft(prize: dict[str, Any], why: str) -> None:
    item = {"id": "ten", "tier": "common", "prize": prize}

    with pytest.raises(InvalidTable, match=why):
        draft_table(as_json(odds.prizes((1, [1]), items=[item])))


def test_whatever_ships_can_be_given() -> None:
    for table in shipped_tables():
        assert draft_table(table.text).digest == table.digest


def test_what_ships_is_what_was_looked_at() -> None:
    digests = {table.product: table.digest for table in shipped_tables()}

    assert digests == SHIPPED


SHIPPED = {
    "gacha-constellation": "47f5997f9e442586f038208958eb7257060fd2f3671f035daa9ddc0f03168f37",
    "gacha-gallery": "978195174efefde9cd80a09db7afbee07558c6c4440eea600e62d25cfbfb71a2",
    "rps-ai": "7a6d6234d1aff63e5919d5011b48138053ea82c28f2eb20792d0c66f6917fe47",
    "roulette-european": "0636e98cbbd5022fa5d6733cef790212d07dfa3638587020e71299fe97935d34",
    "slot-orchard": "cb75cdfca939f6e98dbe8995f6781403c4313f3843533ddc54ba0800df08d678",
}
