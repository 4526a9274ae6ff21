"""What always holds of the ledger, and what a transaction breaks of it."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from casino_club.features.wallet.rules.accounts import POCKETS_MAX, House, Pocket, currency_of, house_of, pocket_of
from casino_club.features.wallet.rules.edges import Place, may_go
from casino_club.features.wallet.rules.orders import LOTS_A_TRANSACTION_MAX, Entry
from casino_club.kernel.money import Currency


class Invariant(StrEnum):
    """What must hold."""

    SUMS_TO_ZERO = "sums_to_zero"
    OF_ONE_TRANSACTION = "of_one_transaction"
    KEY_ONCE = "key_once"
    EDGES = "edges"
    ORIGINS = "origins"
    MIRRORED = "mirrored"
    BALANCES = "balances"
    NOBODY_BELOW_ZERO = "nobody_below_zero"
    LOTS = "lots"
    ORIGIN_ONCE = "origin_once"
    PAYMENTS = "payments"
    HOUSE = "house"


ABOUT: Final = {
    Invariant.SUMS_TO_ZERO: "Each transaction's entries sum to zero in every currency.",
    Invariant.OF_ONE_TRANSACTION: "Each entry is the house's or the user's of the transaction that it belongs to.",
    Invariant.KEY_ONCE: "An idempotency key had one effect.",
    Invariant.EDGES: "Money took no way that is closed to it.",
    Invariant.ORIGINS: "What came into a lot came from where such lots come from, and the lot says what it came of.",
    Invariant.MIRRORED: "A correction is what it corrects, backwards.",
    Invariant.BALANCES: "What a user's account holds is the sum of its entries.",
    Invariant.NOBODY_BELOW_ZERO: "No account of a user is below zero.",
    Invariant.LOTS: "What is left of a lot is the sum of its entries, and a pocket holds what is left of its lots.",
    Invariant.ORIGIN_ONCE: "A payment or an event of the partner made one lot.",
    Invariant.PAYMENTS: "Paid gems and cash tokens came of a payment that has settled, as many as it was for.",
    Invariant.HOUSE: "All accounts together hold nothing of any currency.",
}
CREATORS: Final = {
    Pocket.PAID_GEMS: (House.PAYMENTS,),
    Pocket.FREE_GEMS: (House.GRANTS, Pocket.PENDING_GEMS),
    Pocket.PARTNER_TOKENS: (House.PARTNER,),
    Pocket.APP_TOKENS: (House.GRANTS, House.GAMES, House.DUELS),
    Pocket.CASH_TOKENS: (House.PAYMENTS,),
}
"""Where lots come from."""


PAID: Final = frozenset(pocket for pocket, sources in CREATORS.items() if House.PAYMENTS in sources)


class PaidFor(NamedTuple):
    """Whose payment has settled, and what it was for."""

    user_id: int
    amounts: Mapping[Pocket, int]


class Violation(NamedTuple):
    """What is broken, and an example."""

    invariant: str
    example: str


class Checked(NamedTuple):
    """A transaction with all that its check needs."""

    id: int
    user_id: int
    corrects: int | None
    has_twin: bool
    entries: Sequence[Entry]
    corrected: Sequence[Entry]
    """The entries of the one that it corrects."""
    origins: Mapping[int, str]
    """Of the lots that it made."""


def broken_by(tx: Checked) -> Iterator[Violation]:
    """What this transaction breaks."""
    here = f"transaction {tx.id}"
    for currency, total in _totals(tx.entries).items():
        if total:
            yield Violation(Invariant.SUMS_TO_ZERO, f"{here}: {total} {currency}")
    if any(each.account_id > 0 and each.account_id // POCKETS_MAX != tx.user_id for each in tx.entries):
        yield Violation(Invariant.OF_ONE_TRANSACTION, f"{here}: an account that is not user {tx.user_id}'s")
    if tx.has_twin:
        yield Violation(Invariant.KEY_ONCE, here)
    if tx.corrects is None:
        yield from _broken_ways(tx, here)
    elif [_backwards(each) for each in reversed(tx.corrected)] != [each[:3] for each in tx.entries]:
        yield Violation(Invariant.MIRRORED, f"{here}: corrects {tx.corrects}")


def paid_in(tx: Checked) -> Iterator[tuple[str, Pocket, int]]:
    """What came in for money: where from, where to, and how much."""
    for entry in tx.entries if tx.corrects is None else ():
        pocket = pocket_of(entry.account_id)
        if entry.amount > 0 and pocket in PAID and pocket is not None:
            yield tx.origins.get(entry.lot_id or 0, ""), pocket, entry.amount


def unpaid(tx: Checked, payments: Mapping[str, PaidFor]) -> Iterator[Violation]:
    """What of a transaction rests on no settled payment of this user and amount."""
    for origin, pocket, amount in paid_in(tx):
        payment = payments.get(origin)
        if payment is None or (payment.user_id, payment.amounts.get(pocket, 0)) != (tx.user_id, amount):
            yield Violation(Invariant.PAYMENTS, f"transaction {tx.id}: {amount} in {pocket.name} of {origin!r}")


def _totals(entries: Sequence[Entry]) -> dict[Currency, int]:
    totals: dict[Currency, int] = {}
    for entry in entries:
        currency = currency_of(entry.account_id)
        totals[currency] = totals.get(currency, 0) + entry.amount
    return totals


def _backwards(entry: Entry) -> tuple[int, int | None, int]:
    return entry.account_id, entry.lot_id, -entry.amount


def _broken_ways(tx: Checked, here: str) -> Iterator[Violation]:
    for move in moves_of(tx.entries):
        sources = {place_of(each.account_id) for each in move if each.amount < 0}
        targets = {place_of(each.account_id) for each in move if each.amount > 0}
        for source in sources:
            for target in targets:
                if not may_go(source, target):
                    yield Violation(Invariant.EDGES, f"{here}: {source.name} to {target.name}")
        for entry in move:
            if entry.amount > 0 and entry.account_id > 0 and not _is_from_somewhere(tx, entry, sources):
                yield Violation(Invariant.ORIGINS, f"{here}: {entry.amount} on account {entry.account_id}")


def _is_from_somewhere(tx: Checked, entry: Entry, sources: set[Place]) -> bool:
    pocket = pocket_of(entry.account_id)
    assert pocket is not None
    if not pocket.has_lots:
        return entry.lot_id is None
    is_new = entry.lot_id is not None and entry.lot_id // LOTS_A_TRANSACTION_MAX == tx.id
    return is_new and bool(tx.origins.get(entry.lot_id or 0)) and sources <= set(CREATORS[pocket])


def moves_of(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The moves that a transaction consists of: each sums to zero as soon as it is complete."""
    move: list[Entry] = []
    for entry in entries:
        move.append(entry)
        if not sum(each.amount for each in move):
            yield move
            move = []


def place_of(account_id: int) -> Place:
    """Which pocket, or which account of the house."""
    place = pocket_of(account_id) or house_of(account_id)
    assert place is not None
    return place
