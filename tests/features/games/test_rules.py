"""What a round is called, how long it lasts, and what came lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.games.rules.frequencies import cold, frequencies, hot
from casino_club.features.games.rules.pace import check_pace
from casino_club.features.games.rules.refusals import RoundTooSoon
from casino_club.features.games.rules.results import Result, result_of
from tests.builders.actions import NOON
from tests.features.games.parlour import seconds

NUMBERS = [str(number) for number in range(37)]


@pytest.mark.parametrize(
    ("won", "result"),
    [(0, Result.LOSE), (1, Result.PARTIAL), (99, Result.PARTIAL), (100, Result.EVEN), (101, Result.WIN)],
)
def test_only_more_than_the_stake_is_a_win(won: int, result: Result) -> None:
    assert result_of(staked=100, won=won) is result


def test_a_round_goes_on_until_its_time_is_over() -> None:
    check_pace(None, NOON)
    check_pace(NOON, NOON)

    with pytest.raises(RoundTooSoon, match=r"2\.5 seconds") as refused:
        check_pace(NOON + seconds(2.5), NOON)
    assert refused.value.retry_after_seconds == 3


@given(st.lists(st.sampled_from(NUMBERS), max_size=100))
def test_hot_numbers_came_no_less_often_than_cold_ones(came: list[str]) -> None:
    found = frequencies(NUMBERS, came)

    assert [each.number for each in found] == NUMBERS
    assert sum(each.times for each in found) == len(came)
    assert all(each.times for each in hot(found))
    assert bool(cold(found)) is bool(came)
    if came:
        assert max(each.times for each in cold(found)) <= max(each.times for each in hot(found))


def test_what_came_most_is_hot_and_what_came_least_is_cold() -> None:
    found = frequencies(NUMBERS[:7], ["3", "3", "5", "0", "3", "5", "1", "2", "4"])

    assert [(each.number, each.times) for each in hot(found)] == [("3", 3), ("5", 2), ("0", 1), ("1", 1), ("2", 1)]
    assert cold(found)[0].number == "6"
