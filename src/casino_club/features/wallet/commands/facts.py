"""What the log is told of a transaction."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from casino_club.features.wallet.events import (
    GemsClaimed,
    GemsGranted,
    TokensCorrected,
    TokensEarned,
    TokensSpent,
)
from casino_club.features.wallet.rules.accounts import Pocket, pocket_of
from casino_club.features.wallet.rules.orders import Entry
from casino_club.kernel.money import Currency

Fact = TokensEarned | TokensSpent | TokensCorrected | GemsGranted | GemsClaimed

SOURCES: Final = {Pocket.PARTNER_TOKENS: "partner", Pocket.APP_TOKENS: "app", Pocket.CASH_TOKENS: "cash"}
"""How the log names where tokens came from."""


def facts_of(
    user_id: int, entries: Sequence[Entry], *, token_balance: int, pending_gems: int, round_id: UUID | None
) -> Iterator[Fact]:
    """Stakes first, then what came in. The last of them carries what the user holds after the whole transaction."""
    changes = _changes(entries)
    spent = {pocket: -amount for pocket, amount in changes if pocket in SOURCES and amount < 0}
    earned = [(pocket, amount) for pocket, amount in changes if pocket in SOURCES and amount > 0]
    balance = token_balance - sum(amount for _, amount in earned)
    in_round = None if round_id is None else str(round_id)
    if spent:
        yield TokensSpent(user_id, sum(spent.values()), spent.get(Pocket.PARTNER_TOKENS, 0), balance, in_round)
    for pocket, amount in earned:
        balance += amount
        yield TokensEarned(user_id, amount, SOURCES[pocket], balance, in_round)
    yield from _gem_facts(user_id, changes, pending_gems)


def _gem_facts(user_id: int, changes: Sequence[tuple[Pocket, int]], pending_gems: int) -> Iterator[Fact]:
    claimed = -sum(amount for pocket, amount in changes if pocket is Pocket.PENDING_GEMS and amount < 0)
    granted = sum(amount for pocket, amount in changes if pocket is Pocket.PENDING_GEMS and amount > 0)
    if claimed:
        yield GemsClaimed(user_id, claimed, pending_gems - granted)
    if granted:
        yield GemsGranted(user_id, granted, pending_gems)


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
