"""Tokens reconciled: what there was, with what came and without what went, is what there is; in ledger and log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.kernel.money import Currency

TOKENS: Final = tuple(pocket for pocket in Pocket if pocket.currency is Currency.CYBER_TOKEN)


class Standing(NamedTuple):
    """Where a user's last reconciliation ended: what ledger and log said they had, and the last it read of each."""

    balance: int = 0
    told_balance: int = 0
    tx_id: int = 0
    action_id: int = 0


class Moved(NamedTuple):
    """What the ledger did with a user's tokens of one pocket on one day. What is `back` was refunded or corrected."""

    day: date
    pocket: Pocket
    is_back: bool
    came: int
    went: int
    last_tx_id: int


class Told(NamedTuple):
    """What the log was told of a user's tokens; the balance is that of its last row, None if there is none."""

    earned: int = 0
    spent: int = 0
    corrected: int = 0
    balance: int | None = None
    last_action_id: int = 0


class Account(NamedTuple):
    """One side's account of a period."""

    previous: int
    earned: int
    spent: int
    corrected: int
    balance: int

    @property
    def expected(self) -> int:
        """What the balance has to be."""
        return self.previous + self.earned - self.spent + self.corrected


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A user's tokens since their last reconciliation, by ledger and by log, each from its own rows alone."""

    user_id: int
    ledger: Account
    log: Account
    standing: Standing
    moved: Sequence[Moved]

    @property
    def differences(self) -> list[str]:
        """What does not agree, in sentences."""
        return [*_not_adding_up("ledger", self.ledger), *_not_adding_up("log", self.log), *self._between()]

    def _between(self) -> Iterator[str]:
        for name, ours, told in zip(Account._fields, self.ledger, self.log, strict=True):
            if ours != told:
                yield f"{name} is {ours} in the ledger and {told} in the log"


def reconcile(user_id: int, before: Standing, *, balance: int, moved: Sequence[Moved], told: Told) -> Reconciled:
    """Set ledger and log beside each other."""
    usual, back = [each for each in moved if not each.is_back], [each for each in moved if each.is_back]
    ledger = Account(
        before.balance,
        sum(each.came for each in usual),
        sum(each.went for each in usual),
        sum(each.came - each.went for each in back),
        balance,
    )
    told_balance = before.told_balance if told.balance is None else told.balance
    log = Account(before.told_balance, told.earned, told.spent, told.corrected, told_balance)
    last_tx_id = max((each.last_tx_id for each in moved), default=before.tx_id)
    standing = Standing(balance, told_balance, last_tx_id, max(before.action_id, told.last_action_id))
    return Reconciled(user_id, ledger, log, standing, moved)


def _not_adding_up(name: str, account: Account) -> Iterator[str]:
    if account.expected != account.balance:
        yield (
            f"{name}: {account.previous} + {account.earned} - {account.spent} + {account.corrected} is "
            f"{account.expected}, not {account.balance}"
        )


class Day(NamedTuple):
    """What became of tokens on one of the operator's days. Undone spending is taken off the day that it is undone."""

    day: date
    earned_partner: int
    earned_app: int
    earned_cash: int
    spent: int
    spent_partner: int
    taken_back_partner: int


def days_of(moved: Sequence[Moved]) -> list[Day]:
    """These moves by day."""
    return [_day(day, [each for each in moved if each.day == day]) for day in sorted({each.day for each in moved})]


def _day(day: date, moved: Sequence[Moved]) -> Day:
    usual, back = [each for each in moved if not each.is_back], [each for each in moved if each.is_back]
    partner, of_back = _of(usual, Pocket.PARTNER_TOKENS), _of(back, Pocket.PARTNER_TOKENS)
    return Day(
        day,
        sum(each.came for each in partner),
        sum(each.came for each in _of(usual, Pocket.APP_TOKENS)),
        sum(each.came for each in _of(usual, Pocket.CASH_TOKENS)),
        sum(each.went for each in usual) - sum(each.came for each in back),
        sum(each.went for each in partner) - sum(each.came for each in of_back),
        sum(each.went for each in of_back),
    )


def _of(moved: Sequence[Moved], pocket: Pocket) -> list[Moved]:
    return [each for each in moved if each.pocket is pocket]
