"""What shall be moved, worked out into entries that sum to zero in every currency."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from casino_club.features.wallet.rules.accounts import (
    SPENDABLE,
    House,
    Pocket,
    account_of,
    house_account,
)
from casino_club.features.wallet.rules.edges import Edge, Place, may_go
from casino_club.features.wallet.rules.refusals import AmountInvalid, EdgeForbidden, InsufficientFunds
from casino_club.kernel.money import AMOUNT_MAX, Currency

LOTS_A_TRANSACTION_MAX: Final = 16
"""How many lots one transaction may bring in; their ids are its own, times this."""


@dataclass(frozen=True, slots=True)
class Take:
    """The user pays, oldest lot first, out of these pockets (all that can be spent, if none are named)."""

    currency: Currency
    amount: int
    to: House
    pockets: tuple[Pocket, ...] = ()

    @property
    def sources(self) -> tuple[Pocket, ...]:
        return self.pockets or SPENDABLE[self.currency]


@dataclass(frozen=True, slots=True)
class Give:
    """The user receives. `origin` says what it came from: a payment, an event, a grant."""

    pocket: Pocket
    amount: int
    source: House
    origin: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Pending gems become the user's to spend."""

    amount: int
    origin: str


Move = Take | Give | Claim


@dataclass(frozen=True, slots=True)
class Order:
    """Moves of one user that happen together or not at all."""

    kind: str
    user_id: int
    moves: tuple[Move, ...]

    @property
    def body_hash(self) -> bytes:
        """The same for the same order only."""
        return marked_hash("order", self.kind, self.user_id, *_spelled_moves(self.moves))

    @property
    def currencies(self) -> list[Currency]:
        return sorted({_currency_of(move) for move in self.moves})


class Lot(NamedTuple):
    """What is left of something that came in."""

    id: int
    pocket: Pocket
    remaining: int


class Entry(NamedTuple):
    """One line of a transaction; only a user's shows what the account holds after it."""

    account_id: int
    lot_id: int | None
    amount: int
    balance_after: int | None


class NewLot(NamedTuple):
    """Something that came in; the same transaction may have spent of it."""

    id: int
    pocket: Pocket
    amount: int
    origin: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the transaction will write."""

    entries: tuple[Entry, ...]
    new_lots: tuple[NewLot, ...]

    @property
    def account_changes(self) -> dict[int, int]:
        """By how much each account changes, the user's first and each side in ascending order."""
        changes: dict[int, int] = {}
        for entry in self.entries:
            changes[entry.account_id] = changes.get(entry.account_id, 0) + entry.amount
        return dict(sorted(changes.items(), key=lambda change: (change[0] < 0, change[0])))

    @property
    def lot_changes(self) -> dict[int, int]:
        """By how much each lot that was there before changes."""
        new = {lot.id for lot in self.new_lots}
        changes: dict[int, int] = {}
        for entry in self.entries:
            if entry.lot_id is not None and entry.lot_id not in new:
                changes[entry.lot_id] = changes.get(entry.lot_id, 0) + entry.amount
        return dict(sorted(changes.items()))


@dataclass(slots=True)
class _Draft:
    """The entries so far, and what the user holds after them."""

    order: Order
    balances: dict[Pocket, int]
    lots: list[Lot]
    tx_id: int
    stripe: int
    entries: list[Entry] = field(default_factory=list)
    new_lots: list[NewLot] = field(default_factory=list)

    def change(self, pocket: Pocket, amount: int, lot_id: int | None) -> None:
        self.balances[pocket] = after = self.balances.get(pocket, 0) + amount
        self.entries.append(Entry(account_of(self.order.user_id, pocket), lot_id, amount, after))

    def bring_in(self, pocket: Pocket, amount: int, origin: str) -> None:
        if not pocket.has_lots:
            self.change(pocket, amount, None)
            return
        lot = NewLot(self.tx_id * LOTS_A_TRANSACTION_MAX + len(self.new_lots), pocket, amount, origin, amount)
        self.new_lots.append(lot)
        self.lots.append(Lot(lot.id, pocket, amount))
        self.change(pocket, amount, lot.id)

    def take_out(self, pockets: Sequence[Pocket], amount: int) -> None:
        """Oldest lots first. The caller has seen that there is enough."""
        if not any(pocket.has_lots for pocket in pockets):
            self.change(pockets[0], -amount, None)
            return
        for place, lot in enumerate(self.lots):
            taken = min(amount, lot.remaining) if lot.pocket in pockets else 0
            if taken:
                self.lots[place] = lot._replace(remaining=lot.remaining - taken)
                self.change(lot.pocket, -taken, lot.id)
                amount -= taken
            if not amount:
                return
        assert not amount, "the lots hold less than the pockets"

    def house(self, house: House, currency: Currency, amount: int) -> None:
        self.entries.append(Entry(house_account(house, currency, stripe=self.stripe), None, amount, None))


def decide(
    order: Order,
    *,
    balances: Mapping[Pocket, int],
    lots: Sequence[Lot],
    tx_id: int,
    stripe: int,
    closed: AbstractSet[Edge] = frozenset(),
) -> Decision:
    """The entries of this order for a user who holds this much. Raises what speaks against it.

    `lots` are those with something left, the oldest first, as many as the order may need. What a market has closed is
    passed by where other pockets can pay, and refused where none can.
    """
    draft = _Draft(order, dict(balances), list(lots), tx_id, stripe)
    for move in order.moves:
        _check_amount(move.amount)
        _apply(draft, move, closed)
    assert len(draft.new_lots) <= LOTS_A_TRANSACTION_MAX, f"{order.kind} brings in too many lots"
    left = {lot.id: lot.remaining for lot in draft.lots}
    return Decision(tuple(draft.entries), tuple(lot._replace(remaining=left[lot.id]) for lot in draft.new_lots))


def _apply(draft: _Draft, move: Move, closed: AbstractSet[Edge]) -> None:
    match move:
        case Take(currency, amount, to):
            pockets = open_pockets(move, closed)
            _check_funds(draft.balances, pockets, currency, amount)
            draft.take_out(pockets, amount)
            draft.house(to, currency, amount)
        case Give(pocket, amount, source, origin):
            _check_edge(source, pocket, closed)
            draft.house(source, pocket.currency, -amount)
            draft.bring_in(pocket, amount, origin)
        case Claim(amount, origin):
            _check_funds(draft.balances, (Pocket.PENDING_GEMS,), Currency.GEM, amount)
            draft.change(Pocket.PENDING_GEMS, -amount, None)
            draft.bring_in(Pocket.FREE_GEMS, amount, origin)


def open_pockets(take: Take, closed: AbstractSet[Edge]) -> tuple[Pocket, ...]:
    """The pockets that may pay for it. Raises `EdgeForbidden` if none may."""
    found = tuple(pocket for pocket in take.sources if may_go(pocket, take.to, closed=closed))
    if not found:
        raise EdgeForbidden(take.currency, take.to.name)
    return found


def _check_edge(source: Place, target: Place, closed: AbstractSet[Edge]) -> None:
    if not may_go(source, target, closed=closed):
        raise EdgeForbidden(source.name, target.name)


def _check_funds(balances: Mapping[Pocket, int], pockets: Sequence[Pocket], currency: Currency, amount: int) -> None:
    available = sum(balances.get(pocket, 0) for pocket in pockets)
    if available < amount:
        raise InsufficientFunds(currency, wanted=amount, available=available)


def _check_amount(amount: int) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= AMOUNT_MAX:
        raise AmountInvalid(amount)


def _currency_of(move: Move) -> Currency:
    match move:
        case Take(currency):
            return currency
        case Give(pocket):
            return pocket.currency
        case Claim():
            return Currency.GEM


def marked_hash(*parts: object) -> bytes:
    """Tells one movement from another under the same key."""
    return blake2b(msgspec.json.encode(parts), digest_size=16).digest()


def _spelled_moves(moves: Sequence[Move]) -> Iterator[list[object]]:
    for move in moves:
        match move:
            case Take(currency, amount, to, pockets):
                yield ["take", currency, amount, to.name, [pocket.name for pocket in pockets]]
            case Give(pocket, amount, source, origin):
                yield ["give", pocket.name, amount, source.name, origin]
            case Claim(amount, origin):
                yield ["claim", amount, origin]
