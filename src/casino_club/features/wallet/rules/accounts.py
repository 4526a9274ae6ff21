"""Whose money it is: a user's pockets, and the house's accounts in stripes, so that no row of the house is hot.

Accounts are numbered by what they are, so that nobody has to look one up: users' from 8 on, the house's below zero.
"""

from enum import Enum
from typing import Final

from casino_club.features.wallet.rules.refusals import UserIdTooLarge
from casino_club.kernel.money import Currency

STRIPES: Final = 64
POCKETS_MAX: Final = 8
USER_ID_MAX: Final = 2**63 // POCKETS_MAX - 1
"""Greater ones would have accounts that no bigint can number."""
CURRENCIES: Final = tuple(Currency)


class Pocket(Enum):
    """Where a user's money lies, by where it came from. No number, so that none equals an account of the house."""

    COINS = 0
    PAID_GEMS = 1
    FREE_GEMS = 2
    PARTNER_TOKENS = 3
    APP_TOKENS = 4
    CASH_TOKENS = 5
    PENDING_GEMS = 6
    """Granted, and not claimed yet: can't be spent."""

    @property
    def currency(self) -> Currency:
        return _CURRENCY_OF[self]

    @property
    def has_lots(self) -> bool:
        """Whether what lies here is kept apart by when it came."""
        return self in WITH_LOTS


class House(Enum):
    """The other side of a user's money."""

    GRANTS = 0
    """What the house gives for nothing."""
    PARTNER = 1
    """What the partner gave."""
    PAYMENTS = 2
    """What was paid for with money."""
    GAMES = 3
    """Stakes and winnings."""
    GOODS = 4
    """What was spent on anything but a stake."""
    CORRECTIONS = 5
    PULLS = 6
    """What was spent on pulls of a gacha whose prizes can be staked, and on goods that can."""
    DUELS = 7
    """Stakes of users against each other, until one of them gets both or each their own."""


_CURRENCY_OF: Final = {
    Pocket.COINS: Currency.COIN,
    Pocket.PAID_GEMS: Currency.GEM,
    Pocket.FREE_GEMS: Currency.GEM,
    Pocket.PARTNER_TOKENS: Currency.CYBER_TOKEN,
    Pocket.APP_TOKENS: Currency.CYBER_TOKEN,
    Pocket.CASH_TOKENS: Currency.CYBER_TOKEN,
    Pocket.PENDING_GEMS: Currency.GEM,
}
SPENDABLE: Final = {
    currency: tuple(p for p in Pocket if p.currency is currency and p is not Pocket.PENDING_GEMS)
    for currency in Currency
}
WITH_LOTS: Final = frozenset(Pocket) - {Pocket.COINS, Pocket.PENDING_GEMS}


def account_of(user_id: int, pocket: Pocket) -> int:
    """A user's account. Raises `UserIdTooLarge`."""
    if user_id > USER_ID_MAX:
        raise UserIdTooLarge(USER_ID_MAX)
    return user_id * POCKETS_MAX + pocket.value


def house_account(house: House, currency: Currency, *, stripe: int) -> int:
    """One stripe of an account of the house."""
    return -1 - ((house.value * len(CURRENCIES) + CURRENCIES.index(currency)) * STRIPES + stripe % STRIPES)


def pocket_of(account_id: int) -> Pocket | None:
    """Which of a user's pockets this is; None if it is the house's."""
    return Pocket(account_id % POCKETS_MAX) if account_id > 0 else None


def house_of(account_id: int) -> House | None:
    """Which account of the house this is a stripe of; None if it is a user's."""
    return House((-1 - account_id) // STRIPES // len(CURRENCIES)) if account_id < 0 else None


def currency_of(account_id: int) -> Currency:
    """What lies on this account."""
    pocket = pocket_of(account_id)
    return pocket.currency if pocket is not None else CURRENCIES[(-1 - account_id) // STRIPES % len(CURRENCIES)]
