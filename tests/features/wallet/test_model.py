"""The ledger does what a plain Python model does, step by step, and no invariant is ever broken.

`CASINO_CLUB_TEST_LEDGER_STEPS` says how many steps; a long run takes 100,000.
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.invariants import broken_by
from casino_club.features.wallet.rules.orders import Claim, Give, Move, Take
from casino_club.features.wallet.rules.refusals import AlreadyCorrected, InsufficientFunds, KeyReused
from casino_club.features.wallet.store import checking
from casino_club.features.wallet.store.posting import Key
from casino_club.infra.db.database import Database
from casino_club.kernel.money import Currency
from tests.builders.actions import a_log
from tests.features.wallet.ledger_model import Effect, Model, NotEnough
from tests.features.wallet.purse import Purse, a_key, a_wallet_policy

STEPS = int(os.environ.get("CASINO_CLUB_TEST_LEDGER_STEPS", "600"))
STEPS_A_HISTORY = 50
SOURCES = {
    Pocket.COINS: House.GRANTS,
    Pocket.PAID_GEMS: House.PAYMENTS,
    Pocket.FREE_GEMS: House.GRANTS,
    Pocket.PARTNER_TOKENS: House.PARTNER,
    Pocket.APP_TOKENS: House.GAMES,
    Pocket.CASH_TOKENS: House.PAYMENTS,
    Pocket.PENDING_GEMS: House.GRANTS,
}
TAKERS = {Currency.COIN: House.GAMES, Currency.CYBER_TOKEN: House.GAMES, Currency.GEM: House.GOODS}

ORDERS = list(itertools.permutations((Pocket.PARTNER_TOKENS, Pocket.APP_TOKENS, Pocket.CASH_TOKENS)))

T = TypeVar("T")

_users = itertools.count(1)
_origins = itertools.count(1)
amounts = st.integers(1, 60)


class Histories(RuleBasedStateMachine):
    """Histories of one user each. `purse` and `runner` are the test's."""

    purse: Purse
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.user_id = next(_users)
        self.model = Model()
        self.posted: list[tuple[int, list[Effect]]] = []
        self.corrected: set[int] = set()
        self.ordered: list[tuple[tuple[Move, ...], Key, int]] = []
        self.bought: list[tuple[Pocket, str]] = []

    @rule(pocket=st.sampled_from(Pocket), amount=amounts)
    def give(self, pocket: Pocket, amount: int) -> None:
        origin = f"origin {next(_origins)}"
        self._post(Give(pocket, amount, SOURCES[pocket], origin), does=lambda: self.model.give(pocket, amount, origin))
        if SOURCES[pocket] is House.PAYMENTS:
            self.bought.append((pocket, origin))

    @rule(currency=st.sampled_from(Currency), amount=amounts)
    def take(self, currency: Currency, amount: int) -> None:
        self._post(Take(currency, amount, TAKERS[currency]), does=lambda: self.model.take(currency, amount))

    @rule(amount=amounts)
    def claim(self, amount: int) -> None:
        origin = f"origin {next(_origins)}"
        self._post(Claim(amount, origin), does=lambda: self.model.claim(amount, origin))

    @precondition(lambda self: self.bought)
    @rule(place=st.integers(0, 10_000))
    def refund(self, place: int) -> None:
        pocket, origin = self.bought[place % len(self.bought)]
        posted = self._wait(lambda: self.purse.refund(pocket, origin, user_id=self.user_id))
        self.posted.append((posted.tx_id, self.model.refund(pocket, origin)))
        self._agree()

    @precondition(lambda self: self.posted)
    @rule(place=st.integers(0, 10_000))
    def correct(self, place: int) -> None:
        tx_id, effects = self.posted[place % len(self.posted)]
        if tx_id in self.corrected:
            with pytest.raises(AlreadyCorrected):
                self._wait(lambda: self.purse.correct(tx_id))
        else:
            with self._as_the_model(lambda: self.model.undo(effects)):
                self._wait(lambda: self.purse.correct(tx_id))
                self.corrected.add(tx_id)
        self._agree()

    @precondition(lambda self: self.ordered)
    @rule(place=st.integers(0, 10_000))
    def repeat(self, place: int) -> None:
        moves, key, tx_id = self.ordered[place % len(self.ordered)]
        again = self._wait(lambda: self.purse.post(*moves, user_id=self.user_id, key=key))
        assert (again.tx_id, again.was_repeated) == (tx_id, True)
        with pytest.raises(KeyReused):
            self._wait(lambda: self.purse.post(*moves, *moves, user_id=self.user_id, key=key))
        self._agree()

    def teardown(self) -> None:
        if self.posted:
            assert self._wait(self._broken) == []

    def _post(self, move: Move, *, does: Callable[[], list[Effect]]) -> None:
        key = a_key()
        with self._as_the_model(does) as effects:
            posted = self._wait(lambda: self.purse.post(move, user_id=self.user_id, key=key))
            self.posted.append((posted.tx_id, effects))
            self.ordered.append(((move,), key, posted.tx_id))
        self._agree()

    @contextmanager
    def _as_the_model(self, does: Callable[[], list[Effect]]) -> Iterator[list[Effect]]:
        """What happens within is refused exactly if the model refuses it."""
        try:
            effects = does()
        except NotEnough:
            with pytest.raises(InsufficientFunds):
                yield []
        else:
            yield effects

    def _agree(self) -> None:
        held = self._wait(lambda: self.purse.holds(self.user_id))
        assert held == {pocket: amount for pocket, amount in self.model.holds().items() if amount}

    async def _broken(self) -> list[object]:
        async with self.purse.database.connection() as db:
            first = min(tx_id for tx_id, _ in self.posted)
            txs = await checking.transactions(db, after_id=first - 1, last_id=2**62, limit=10_000)
            of_user = await checking.of_users(db, [self.user_id])
            return [*of_user, *await checking.of_all_accounts(db), *(each for tx in txs for each in broken_by(tx))]

    def _wait(self, work: Callable[[], Awaitable[T]]) -> T:
        async def waited() -> T:
            return await work()

        return self.runner.run(waited())


@pytest.fixture
def ours(database_url: str) -> Iterator[type[Histories]]:
    """Histories on a database of their own."""
    with asyncio.Runner() as runner:
        database = Database(database_url, connections_max=2)
        runner.run(database.__aenter__())
        runner.run(a_log(database).make_room())
        yield type("Ours", (Histories,), {"purse": Purse(database, a_wallet_policy()), "runner": runner})
        runner.run(database.__aexit__())


@pytest.mark.timeout(600 + STEPS)
def test_the_ledger_does_what_the_model_does(ours: type[Histories]) -> None:
    run_state_machine_as_test(
        ours,
        settings=settings(
            max_examples=max(1, STEPS // STEPS_A_HISTORY),
            stateful_step_count=STEPS_A_HISTORY,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("pockets", ORDERS)
def test_whichever_came_first_pays_first_in_the_ledger_as_in_the_model(
    ours: type[Histories], pockets: tuple[Pocket, ...]
) -> None:
    history = ours()
    for pocket in (*pockets, *pockets):
        history.give(pocket, 10)

    for amount in (4, 8, 21, 9, 20):
        history.take(Currency.CYBER_TOKEN, amount)
        history.correct(len(history.posted) - 1)
        history.take(Currency.CYBER_TOKEN, amount // 2)

    history.teardown()
