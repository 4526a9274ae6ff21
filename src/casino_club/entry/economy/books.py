"""The books of a run: orders are decided by the wallet's own rules, and their entries added up by reason and day."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from casino_club.features.wallet.rules.accounts import POCKETS_MAX, Pocket, currency_of, house_of, pocket_of
from casino_club.features.wallet.rules.edges import Edge
from casino_club.features.wallet.rules.orders import Lot, Move, Order, decide
from casino_club.kernel.money import Currency


class Flow(NamedTuple):
    """Where money came from or went to."""

    day: int
    reason: str
    currency: Currency
    is_source: bool


@dataclass(slots=True)
class Purse:
    """What one user holds."""

    user: int
    balances: dict[Pocket, int] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    spins: int = 0
    """Free spins."""

    def held(self, pockets: Iterable[Pocket]) -> int:
        return sum(self.balances.get(pocket, 0) for pocket in pockets)


class Books:
    """Orders of all users. What users hold beside it must always be what came in without what went out."""

    def __init__(self, closed: frozenset[Edge]) -> None:
        self._closed = closed
        self._orders = 0
        self.flows: Counter[Flow] = Counter()

    def post(self, purse: Purse, reason: str, *moves: Move, day: int) -> None:
        """Carry out an order. Raises what the wallet's rules say against it."""
        self._orders += 1
        decided = decide(
            Order(reason, purse.user, moves),
            balances=purse.balances,
            lots=purse.lots,
            tx_id=self._orders,
            stripe=0,
            closed=self._closed,
        )
        for entry in decided.entries:
            pocket = pocket_of(entry.account_id)
            if pocket is not None:
                assert entry.account_id // POCKETS_MAX == purse.user, "an order moves its own user's money"
                purse.balances[pocket] = purse.balances.get(pocket, 0) + entry.amount
            elif house_of(entry.account_id) is not None:
                flow = Flow(day, reason, currency_of(entry.account_id), entry.amount < 0)
                self.flows[flow] += abs(entry.amount)
        changes = decided.lot_changes
        kept = (lot._replace(remaining=lot.remaining + changes.get(lot.id, 0)) for lot in purse.lots)
        new = (Lot(lot.id, lot.pocket, lot.remaining) for lot in decided.new_lots)
        purse.lots = [lot for lot in (*kept, *new) if lot.remaining]

    def came_of(self, currency: Currency) -> int:
        """What came in of a currency without what went out."""
        return sum(
            amount if flow.is_source else -amount for flow, amount in self.flows.items() if flow.currency is currency
        )
