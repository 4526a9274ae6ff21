"""What the log is told of a transaction."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeVar
from uuid import UUID

from casino_club.features.wallet.events import (
    GemsClaimed,
    GemsGranted,
    TokensCorrected,
    TokensEarned,
    TokensGranted,
    TokensSpent,
)
from casino_club.features.wallet.rules.accounts import House, Pocket, house_of, pocket_of
from casino_club.features.wallet.rules.orders import Entry
from casino_club.kernel.money import Currency

Fact = TokensEarned | TokensGranted | TokensSpent | TokensCorrected | GemsGranted | GemsClaimed

SOURCES: Final = {Pocket.PARTNER_TOKENS: "partner", Pocket.APP_TOKENS: "app", Pocket.CASH_TOKENS: "cash"}
"""How the log names where tokens came from."""
GRANTED: Final = "granted"

Source = TypeVar("Source")


def facts_of(
    user_id: int, entries: Sequence[Entry], *, token_balance: int, pending_gems: int, round_id: UUID | None
) -> Iterator[Fact]:
    """Stakes first, then what came in, unless the stakes were paid out of that. The last carries what is held then."""
    changes = _changes(entries)
    spent = {pocket: -amount for pocket, amount in changes if pocket in SOURCES and amount < 0}
    earned = list(_token_income(entries).items())
    balance = token_balance - sum(amount for _, amount in earned) + sum(spent.values())
    in_round = None if round_id is None else str(round_id)
    for source, amount in _outgo_first(balance, sum(spent.values()), earned):
        balance += amount
        if source is None:
            yield TokensSpent(user_id, -amount, spent.get(Pocket.PARTNER_TOKENS, 0), balance, in_round)
        elif source == GRANTED:
            yield TokensGranted(user_id, amount, balance)
        else:
            yield TokensEarned(user_id, amount, source, balance, in_round)
    yield from _gem_facts(user_id, changes, pending_gems)


def _token_income(entries: Sequence[Entry]) -> dict[str, int]:
    """Tokens that came in, by where from. What the house gives stands right behind the house's own entry."""
    found: dict[str, int] = {}
    for giver, entry in pairwise(entries):
        pocket = pocket_of(entry.account_id)
        if pocket in SOURCES and entry.amount > 0:
            source = GRANTED if house_of(giver.account_id) is House.GRANTS else SOURCES[pocket]
            found[source] = found.get(source, 0) + entry.amount
    return found


def _outgo_first(before: int, outgo: int, income: Sequence[tuple[Source, int]]) -> Sequence[tuple[Source | None, int]]:
    """Changes in an order in which what is held never falls below zero; the one without a source is the outgo."""
    out = [(None, -outgo)] if outgo else []
    return [*out, *income] if before >= outgo else [*income, *out]


def _gem_facts(user_id: int, changes: Sequence[tuple[Pocket, int]], pending_gems: int) -> Iterator[Fact]:
    claimed = -sum(amount for pocket, amount in changes if pocket is Pocket.PENDING_GEMS and amount < 0)
    granted = [(pocket, amount) for pocket, amount in changes if pocket is Pocket.PENDING_GEMS and amount > 0]
    pending = pending_gems - sum(amount for _, amount in granted) + claimed
    for pocket, amount in _outgo_first(pending, claimed, granted):
        pending += amount
        yield GemsClaimed(user_id, -amount, pending) if pocket is None else GemsGranted(user_id, amount, pending)


def correction_facts(
    user_id: int, entries: Sequence[Entry], *, token_balance: int, pending_gems: int
) -> Iterator[Fact]:
    """The same for what was taken back: nobody earned or spent it."""
    changes = _changes(entries)
    tokens = [amount for pocket, amount in changes if pocket.currency is Currency.CYBER_TOKEN]
    if tokens:
        yield TokensCorrected(user_id, sum(tokens), token_balance)
    yield from _gem_facts(user_id, changes, pending_gems)


def _changes(entries: Sequence[Entry]) -> list[tuple[Pocket, int]]:
    """By how much pockets change, what goes out and what comes in apart, in the order of the entries."""
    changes: dict[tuple[Pocket, bool], int] = {}
    for entry in entries:
        pocket = pocket_of(entry.account_id)
        if pocket is not None:
            place = pocket, entry.amount > 0
            changes[place] = changes.get(place, 0) + entry.amount
    return [(pocket, amount) for (pocket, _), amount in changes.items()]
