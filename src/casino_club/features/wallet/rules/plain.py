"""Orders of coins alone: without lots one statement carries them out, for whoever turns out to have enough."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.edges import Edge
from casino_club.features.wallet.rules.orders import Claim, Entry, Give, Move, Order, Take, decide
from casino_club.kernel.money import Currency

PLENTY: Final = 2**62
"""More than any order takes: what it comes to is worked out before it is known what the user has."""


@dataclass(frozen=True, slots=True)
class Plain:
    """An order that moves nothing but coins. The entries of the user show how far below the end they leave them."""

    needed: int
    gained: int
    entries: tuple[Entry, ...]
    house_changes: dict[int, int]


def plain(order: Order, *, stripe: int, closed: AbstractSet[Edge]) -> Plain | None:
    """What the order comes to if it is one of coins alone. Raises what speaks against it whatever the user has."""
    if not order.moves or not all(map(_moves_coins, order.moves)):
        return None
    decided = decide(order, balances={Pocket.COINS: PLENTY}, lots=(), tx_id=0, stripe=stripe, closed=closed)
    held = [each.balance_after for each in decided.entries if each.balance_after is not None]
    entries = tuple(
        each if each.balance_after is None else each._replace(balance_after=held[-1] - each.balance_after)
        for each in decided.entries
    )
    house_changes = {account: change for account, change in decided.account_changes.items() if account < 0}
    return Plain(max(0, PLENTY - min(held)), held[-1] - PLENTY, entries, house_changes)


def _moves_coins(move: Move) -> bool:
    match move:
        case Take(currency):
            return currency is Currency.COIN
        case Give(pocket):
            return pocket is Pocket.COINS
        case Claim():
            return False
