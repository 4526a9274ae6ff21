"""What becomes of a purchase: every state beside every word of the provider, written out."""

from datetime import timedelta

import pytest

from casino_club.features.shop.rules.purchases import (
    ENDED,
    LOOKS_AFTER_END,
    LOOKS_AFTER_PAYMENT,
    OPEN,
    Act,
    Call,
    State,
    Told,
    call_for,
    look_at,
    step_of,
)
from tests.builders.actions import NOON

S, ACTS = State, {"": Act.NOTHING, "+": Act.HAND_OVER, "<": Act.GIVE_BACK, "-": Act.TAKE_BACK}
EXPECTED = """
           no_answer  nothing    pending    paid        failed     cancelled   refunded
ordered    unknown    ordered    pending    settled+    failed<    expired<    refunded<
unknown    unknown    ordered    pending    settled+    failed<    expired<    refunded<
pending    pending    pending    pending    settled+    failed<    expired<    refunded<
settled    settled    settled    settled    settled     settled    settled     refunded-
failed     failed     failed     failed     refunding   failed     failed      refunded
expired    expired    expired    expired    refunding   expired    expired     refunded
refunding  refunding  refunding  refunding  refunding   refunding  refunding   refunded
refunded   refunded   refunded   refunded   refunded    refunded   refunded    refunded
"""
TOLD, *ROWS = [line.split() for line in EXPECTED.strip().splitlines()]
PAIRS = [(row[0], told, cell) for row in ROWS for told, cell in zip(TOLD, row[1:], strict=True)]
LATER = NOON + timedelta(minutes=15)


@pytest.mark.parametrize(("state", "told", "cell"), PAIRS)
def test_a_purchase_goes_on_as_it_is_written(state: str, told: str, cell: str) -> None:
    step = step_of(State(state), Told(told))

    assert (step.to, step.act) == (State(cell.rstrip("+<-")), ACTS[cell[len(cell.rstrip("+<-")) :]])


def test_no_pair_is_left_out() -> None:
    assert {(state, told) for state, told, _ in PAIRS} == {(state, told) for state in State for told in Told}


def test_nothing_that_may_have_begun_is_begun_again_before_it_was_asked_for() -> None:
    assert call_for(S.ORDERED, LATER, now=NOON) is Call.CREATE
    assert call_for(S.UNKNOWN, LATER, now=NOON) is Call.FIND
    assert call_for(S.UNKNOWN, LATER, now=LATER) is Call.FIND
    assert call_for(S.PENDING, LATER, now=NOON) is Call.FIND


def test_nothing_expires_that_is_not_cancelled_first() -> None:
    assert [call_for(state, LATER, now=LATER) for state in (S.ORDERED, S.PENDING)] == [Call.CANCEL] * 2
    assert call_for(S.REFUNDING, LATER, now=LATER) is Call.REFUND


@pytest.mark.parametrize("state", sorted({*OPEN, S.REFUNDING}))
def test_what_is_open_is_looked_at_for_ever(state: State) -> None:
    assert all(look_at(state, looks, LATER, now=NOON) is not None for looks in range(100))
    assert look_at(state, 10**9, LATER, now=LATER + timedelta(days=99)) is not None


@pytest.mark.parametrize("state", sorted(OPEN))
def test_nobody_waits_beyond_the_expiry(state: State) -> None:
    due_at = look_at(state, 50, LATER, now=NOON)

    assert due_at == LATER


def test_what_is_over_is_looked_at_a_few_times_more() -> None:
    for state, waits in ((S.SETTLED, LOOKS_AFTER_PAYMENT), *((each, LOOKS_AFTER_END) for each in ENDED)):
        dues = [look_at(state, looks, LATER, now=NOON) for looks in range(len(waits) + 1)]
        assert dues == [*(NOON + wait for wait in waits), None]
    assert look_at(S.REFUNDED, 0, LATER, now=NOON) is None
