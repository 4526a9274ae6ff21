"""Why money was not moved."""

from datetime import date
from typing import Final

from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.money import AMOUNT_MAX, Currency

DAYS_MAX: Final = 366


class AmountInvalid(Refused):
    """Only whole amounts above zero are moved."""

    code = "amount_invalid"
    kind = Kind.INVALID

    def __init__(self, amount: object) -> None:
        super().__init__(f"An amount is a whole number from 1 to {AMOUNT_MAX}, not {amount!r}.")


class InsufficientFunds(Refused):
    """The user does not have so much."""

    code = "insufficient_funds"
    kind = Kind.CONFLICT

    def __init__(self, currency: Currency, *, wanted: int, available: int) -> None:
        self.currency, self.wanted, self.available = currency, wanted, available
        super().__init__(f"This takes {wanted} {currency}, and {available} can be spent on it.")


class EdgeForbidden(Refused):
    """Money may not take this way, here or in this market."""

    code = "edge_forbidden"
    kind = Kind.FORBIDDEN

    def __init__(self, source: str, target: str) -> None:
        super().__init__(f"Nothing may go from {source} to {target}.")


class KeyReused(Refused):
    """The idempotency key stands for another movement already."""

    code = "key_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for something else; send a new one.")


class UserIdTooLarge(Refused):
    """Accounts are numbered by their users, and numbers end."""

    code = "user_id_too_large"
    kind = Kind.INVALID

    def __init__(self, user_id_max: int) -> None:
        super().__init__(f"Only users up to {user_id_max} have a wallet.")


class LotMissing(Refused):
    """Nothing came in under this origin."""

    code = "lot_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("Nothing came in under this origin.")


class TransactionMissing(Refused):
    """There is no such transaction."""

    code = "transaction_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no transaction of this number.")


class AlreadyCorrected(Refused):
    """A correction, and what it has corrected, stand for good."""

    code = "already_corrected"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This transaction is a correction, or has one already.")


class CorrectionMissing(Refused):
    """Nobody proposed this."""

    code = "correction_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no correction of this number.")


class CorrectionOpen(Refused):
    """One proposal at a time."""

    code = "correction_open"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("A correction of this transaction is proposed already; approve or withdraw that.")


class CorrectionSettled(Refused):
    """What was carried out or withdrawn stays so."""

    code = "correction_settled"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This correction was carried out or withdrawn already.")


class SecondPersonNeeded(Refused):
    """Nobody approves what they proposed themselves."""

    code = "second_person_needed"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("You proposed this correction yourself; it takes another person to approve it.")


class TooManyDays(Refused):
    """A page of days has an end."""

    code = "too_many_days"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(f"Name a first and a last day, in this order, with at most {DAYS_MAX} days between them.")


def check_days(first: date, last: date) -> None:
    """Raises `TooManyDays`."""
    if not 0 <= (last - first).days < DAYS_MAX:
        raise TooManyDays
