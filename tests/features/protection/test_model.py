"""Limits do what a plain Python model does, step by step, over days, weeks and daylight saving.

`CASINO_CLUB_TEST_PROTECTION_STEPS` says how many steps.
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from casino_club.features.protection.rules.limits import LIMITS, LOST_IN, Limit, Measure
from casino_club.features.protection.rules.occasions import Admission, Occasion
from casino_club.features.protection.rules.refusals import LimitMissing, LimitReached, RaiseMissing, RaiseTooSoon
from casino_club.infra.db.database import Database
from casino_club.kernel.money import Currency
from tests.builders.actions import a_log
from tests.features.protection.guarding import Guard, a_protection_policy
from tests.features.protection.limits_model import Model, Refused

STEPS = int(os.environ.get("CASINO_CLUB_TEST_PROTECTION_STEPS", "800"))
STEPS_A_HISTORY = 50
ZONE = "America/New_York"
BEGINNINGS = (
    datetime(2026, 3, 7, 23, 0, tzinfo=UTC),  # the day before clocks go forward
    datetime(2026, 10, 31, 22, 0, tzinfo=UTC),  # the day before they go back, and a month ends
    datetime(2026, 12, 31, 4, 0, tzinfo=UTC),
)
PAUSES = [timedelta(0), *(timedelta(minutes=each) for each in (1, 7, 29, 30, 31, 180)), timedelta(hours=24)]

T = TypeVar("T")
_users = itertools.count(1)
_small = st.integers(0, 40)


class Histories(RuleBasedStateMachine):
    """Histories of one user each. `guards` and `runner` are the test's."""

    guards: Guard
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        number = next(_users)
        self.guard = self.guards.of(number)
        self.now = BEGINNINGS[number % len(BEGINNINGS)]
        self.model = Model(ZoneInfo(ZONE))
        self.open: list[tuple[Admission, Measure]] = []

    @rule(pause=st.sampled_from(PAUSES))
    def wait(self, pause: timedelta) -> None:
        self.now += pause

    @rule(currency=st.sampled_from(Currency), amount=_small)
    def bet(self, currency: Currency, amount: int) -> None:
        self._admit(Occasion.BET, LOST_IN.get(currency), amount, currency)

    @rule(amount=_small)
    def pay(self, amount: int) -> None:
        self._admit(Occasion.PURCHASE, Measure.PURCHASES, amount, None)

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 10_000), share=st.integers(0, 3))
    def settle(self, place: int, share: int) -> None:
        admission, measure = self.open.pop(place % len(self.open))
        returned = admission.amount * (min(share, 1) if measure is Measure.PURCHASES else share)
        self._wait(lambda: self.guard.settle(admission, returned))
        self.model.give_back(measure, returned, admission.at)
        self._agree()

    @rule(limit=st.sampled_from(LIMITS), amount=st.none() | _small)
    def set_limit(self, limit: Limit, amount: int | None) -> None:
        if amount is None and limit not in self.model.caps:
            with pytest.raises(LimitMissing):
                self._wait(lambda: self.guard.limit(limit, None, now=self.now))
            return
        held = self._wait(lambda: self.guard.limit(limit, amount, now=self.now))
        self.model.set_limit(limit, amount, self.now)
        assert held.amount == self.model.caps.get(limit)
        assert (held.waiting is not None) == (limit in self.model.waiting)

    @precondition(lambda self: self.model.waiting)
    @rule(place=st.integers(0, 10_000), pause=st.sampled_from(PAUSES))
    def confirm(self, place: int, pause: timedelta) -> None:
        self.now += pause
        limit = sorted(self.model.waiting)[place % len(self.model.waiting)]
        try:
            self.model.confirm(limit, self.now)
        except Refused:
            with pytest.raises((RaiseTooSoon, RaiseMissing)):
                self._wait(lambda: self.guard.confirm_raise(limit, now=self.now))
            return
        held = self._wait(lambda: self.guard.confirm_raise(limit, now=self.now))
        assert held.amount == self.model.caps.get(limit)

    @precondition(lambda self: self.model.waiting)
    @rule(place=st.integers(0, 10_000))
    def drop_raise(self, place: int) -> None:
        limit = sorted(self.model.waiting)[place % len(self.model.waiting)]
        del self.model.waiting[limit]
        self._wait(lambda: self.guard.drop_raise(limit, now=self.now))

    def _admit(self, occasion: Occasion, measure: Measure | None, amount: int, currency: Currency | None) -> None:
        try:
            self.model.add(measure, amount, self.now, is_play=occasion is Occasion.BET)
        except Refused:
            with pytest.raises(LimitReached):
                self._wait(lambda: self.guard.admit(occasion, amount, currency=currency, now=self.now))
        else:
            admission = self._wait(lambda: self.guard.admit(occasion, amount, currency=currency, now=self.now))
            if measure is not None:
                self.open.append((admission, measure))
        self._agree()

    def _agree(self) -> None:
        async def counted() -> dict[Limit, int]:
            return {limit: await self.guard.used(limit, now=self.now) for limit in LIMITS}

        assert self._wait(counted) == {limit: self.model.used(limit, self.now) for limit in LIMITS}

    def _wait(self, work: Callable[[], Awaitable[T]]) -> T:
        async def waited() -> T:
            return await work()

        return self.runner.run(waited())


@pytest.mark.timeout(600 + STEPS)
def test_limits_do_what_the_model_does(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, connections_max=2)
        runner.run(database.__aenter__())
        runner.run(a_log(database).make_room())
        ours = type("Ours", (Histories,), {"guards": Guard(database, a_protection_policy(ZONE)), "runner": runner})
        try:
            run_state_machine_as_test(
                ours,
                settings=settings(
                    max_examples=max(1, STEPS // STEPS_A_HISTORY),
                    stateful_step_count=STEPS_A_HISTORY,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.__aexit__())
