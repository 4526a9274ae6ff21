"""Draws of the simulator have the exact chances of the tables, and come again."""

from collections import Counter
from fractions import Fraction
from math import sqrt
from random import Random

import pytest

from casino_club.entry.economy.chance import WORD_BITS, arrivals, exact, stream, weighed
from casino_club.entry.economy.games import Parlour
from tests.entry.economy.runs import RULES

TOP = (1 << WORD_BITS) - 1


class Told(Random):
    """Gives these words."""

    def __init__(self, *words: int) -> None:
        super().__init__(0)
        self.words = list(words)

    def getrandbits(self, k: int, /) -> int:
        return self.words.pop(0)


def test_words_are_shared_out_by_the_weights_and_what_is_left_over_is_passed_over() -> None:
    three = weighed({"a": 1, "b": 1, "c": 1})
    third = (TOP + 1) // 3

    assert three.passed_over == (TOP + 1) % 3 == 1
    one_too_many = Told(0, 1)
    assert three.drawn(one_too_many) == "a"
    assert one_too_many.words == []
    assert three.drawn(Told(third)) == "a"
    assert three.drawn(Told(third + 1)) == "b"
    assert three.drawn(Told(TOP)) == "c"


def test_each_place_has_as_many_words_as_its_weight_says() -> None:
    """The same arithmetic with words of 8 bits, all of which can be counted."""
    for total in range(1, 257):
        kept = [word * total for word in range(256) if word * total % 256 >= 256 % total]

        assert set(Counter(scaled >> 8 for scaled in kept).values()) == {256 // total}


def test_rates_that_do_not_add_up_are_a_bug() -> None:
    with pytest.raises(AssertionError):
        exact({"a": Fraction(1, 2), "b": Fraction(1, 3)})


def test_a_stream_depends_on_seed_user_day_and_purpose_and_comes_again() -> None:
    first = {
        (seed, user, day, purpose): stream(seed, user=user, day=day, purpose=purpose).getrandbits(64)
        for seed in (1, 2)
        for user in (1, 11)
        for day in (0, 1)
        for purpose in ("rounds", "bonus")
    }

    assert len(set(first.values())) == 16
    assert stream(2, user=11, day=1, purpose="bonus").getrandbits(64) == first[2, 11, 1, "bonus"]


def test_arrivals_have_their_mean() -> None:
    rng = Random(1)

    found = [arrivals(rng, 2.5) for _ in range(20_000)]

    assert abs(sum(found) / 20_000 - 2.5) < 4 * sqrt(2.5 / 20_000)


@pytest.mark.parametrize(
    ("product", "bet"), [("slot-orchard", "spin"), ("roulette-european", "red"), ("rps-ai", "rock")]
)
def test_each_return_of_a_shipped_game_comes_as_often_as_declared(product: str, bet: str) -> None:
    odds, rng, draws = Parlour(RULES).games[product].bets[bet], Random(7), 50_000

    came = Counter(odds.returns.drawn(rng) for _ in range(draws))

    before = 0
    for value, edge in zip(odds.returns.values, odds.returns.edges, strict=True):
        rate = (edge - before) / odds.returns.edges[-1]
        before = edge
        assert abs(came[value] - draws * rate) <= 4 * sqrt(draws * rate * (1 - rate)) + 4
