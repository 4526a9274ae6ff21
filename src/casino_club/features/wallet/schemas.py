"""Shapes of requests and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.wallet.rules.accounts import SPENDABLE, USER_ID_MAX, Pocket
from casino_club.features.wallet.rules.correcting import Correction
from casino_club.features.wallet.rules.invariants import ABOUT
from casino_club.features.wallet.rules.reconciling import Account, Day, Reconciled
from casino_club.features.wallet.store.checking import Broken, Check
from casino_club.features.wallet.store.reading import Change, Transaction
from casino_club.features.wallet.store.reconciling import PartnerTokens, Reconciliation
from casino_club.infra.http.routes import Id
from casino_club.kernel.money import AMOUNT_MAX, Currency

PAGE_ROWS_MAX = 200

Amount = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)]
WalletUserId = Annotated[int, Meta(ge=1, le=USER_ID_MAX)]
EventId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Yours, and the same whenever you repeat it.",
    ),
]


class PocketOut(msgspec.Struct, frozen=True):
    """What lies in one pocket."""

    pocket: str
    amount: int


class BalanceOut(msgspec.Struct, frozen=True):
    """What can be spent of a currency, and in which pockets it lies."""

    currency: Currency
    spendable: int
    pockets: list[PocketOut]


class WalletOut(msgspec.Struct, frozen=True):
    """What a user holds. Pending gems were granted and can be claimed."""

    user_id: int
    balances: list[BalanceOut]
    pending_gems: int


class MovesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a history."""

    currency: Currency | None = None
    kind: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    cursor: Id | None = None
    limit: Limit = 50


class ChangeOut(msgspec.Struct, frozen=True):
    """By how much a pocket changed, and what it held then."""

    pocket: str
    currency: Currency
    amount: int
    balance_after: int


class TransactionOut(msgspec.Struct, frozen=True):
    """One transaction. `corrects` names the one that it takes back, if it does."""

    id: int
    kind: str
    posted_at: datetime
    corrects: int | None
    changes: list[ChangeOut]


class TransactionsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    transactions: list[TransactionOut]
    next_cursor: int | None


class ClaimIn(msgspec.Struct, forbid_unknown_fields=True):
    """How many pending gems to claim. The same key claims once."""

    key: UUID
    gems: Amount


class ClaimOut(msgspec.Struct, frozen=True):
    """What was claimed, and what the user has now."""

    transaction_id: int
    was_repeated: bool
    gems: int
    gem_balance: int
    pending_gems: int


class TokensIn(msgspec.Struct, forbid_unknown_fields=True):
    """Tokens of a user. The same event has its effect once."""

    user_id: WalletUserId
    event_id: EventId
    amount: Amount


class TokensOut(msgspec.Struct, frozen=True):
    """What came of it. A repetition answers with what the user has by then; so many came from the partner."""

    transaction_id: int
    was_repeated: bool
    token_balance: int
    partner_tokens: int


class CorrectionProposal(msgspec.Struct, forbid_unknown_fields=True):
    """Which transaction to undo, and why."""

    transaction_id: Id
    because: Annotated[str, Meta(min_length=3, max_length=200)]


class CorrectionsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which corrections."""

    is_open: bool | None = None
    cursor: Id | None = None
    limit: Limit = 50


class CorrectionOut(msgspec.Struct, frozen=True):
    """A correction. Once settled it has undone the transaction, or was withdrawn if it names none that does."""

    id: int
    transaction_id: int
    because: str
    largest_amount: int
    proposed_by: int
    proposed_at: datetime
    settled_by: int | None
    settled_at: datetime | None
    correction_transaction_id: int | None


class CorrectionsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    corrections: list[CorrectionOut]
    next_cursor: int | None


class InvariantOut(msgspec.Struct, frozen=True):
    """What must hold, how often it was found broken, and the first examples. Null if nobody has looked yet."""

    invariant: str
    about: str
    broken: int | None
    examples: list[str]


class InvariantsOut(msgspec.Struct, frozen=True):
    """What the last check of the ledger found."""

    checked_at: datetime | None
    transactions: int
    users: int
    invariants: list[InvariantOut]


class PartnerTokensOut(msgspec.Struct, frozen=True):
    """Tokens earned at the partner: how many of them were spent here, taken back by corrections, and are left."""

    user_id: int
    earned: int
    spent: int
    taken_back: int
    left: int


class PartnerTokensQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose."""

    user_id: WalletUserId


class TokenAccountOut(msgspec.Struct, frozen=True):
    """What there was, what came and went, and what there is: previous + earned - spent + corrected = balance."""

    previous: int
    earned: int
    spent: int
    corrected: int
    balance: int


class UserTokensOut(msgspec.Struct, frozen=True):
    """A user's tokens since they were last reconciled, by the ledger and by the log. Differences are sentences."""

    user_id: int
    ledger: TokenAccountOut
    log: TokenAccountOut
    differences: list[str]


class ReconciliationOut(msgspec.Struct, frozen=True):
    """Everybody's tokens from one reconciliation to the next. `differing` users did not agree with the log."""

    id: int
    began_at: datetime
    finished_at: datetime | None
    users: int
    tokens: TokenAccountOut
    differing: int
    examples: list[str]


class ReconciliationsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which reconciliations."""

    cursor: Id | None = None
    limit: Limit = 50


class ReconciliationsPage(msgspec.Struct, frozen=True):
    """Newest first. `next_cursor` is null at the end."""

    reconciliations: list[ReconciliationOut]
    next_cursor: int | None


class TokenDaysQuery(msgspec.Struct, forbid_unknown_fields=True):
    """From which of the operator's days to which."""

    first: date
    last: date


class TokenDayOut(msgspec.Struct, frozen=True):
    """What became of tokens on a day. What was undone is taken off the day on which that happened."""

    day: date
    earned_partner: int
    earned_app: int
    earned_cash: int
    spent: int
    spent_partner: int
    taken_back_partner: int


class TokenDaysOut(msgspec.Struct, frozen=True):
    """Days on which anything was done with tokens, as of the last reconciliation, and their sum for the partner's."""

    reconciled_at: datetime | None
    earned_partner: int
    spent_partner: int
    days: list[TokenDayOut]


def partner_tokens_out(user_id: int, found: PartnerTokens) -> PartnerTokensOut:
    return PartnerTokensOut(user_id, *found)


def account_out(account: Account) -> TokenAccountOut:
    return TokenAccountOut(*account)


def user_tokens_out(found: Reconciled) -> UserTokensOut:
    return UserTokensOut(found.user_id, account_out(found.ledger), account_out(found.log), found.differences)


def reconciliation_out(found: Reconciliation) -> ReconciliationOut:
    tokens = TokenAccountOut(found.previous, found.earned, found.spent, found.corrected, found.balance)
    return ReconciliationOut(
        *(found.id, found.began_at, found.finished_at, found.users, tokens, found.differing), list(found.examples)
    )


def token_days_out(days: Sequence[Day], last: Reconciliation | None) -> TokenDaysOut:
    return TokenDaysOut(
        last and last.finished_at,
        sum(day.earned_partner for day in days),
        sum(day.spent_partner for day in days),
        [TokenDayOut(*day) for day in days],
    )


def invariants_out(check: Check | None, found: Mapping[str, Broken], about: Mapping[str, str]) -> InvariantsOut:
    """All invariants, broken or not: the ledger's own, and those of slices above."""
    shown = [
        InvariantOut(
            each,
            said,
            None if check is None else found[each].times if each in found else 0,
            list(found[each].examples) if each in found else [],
        )
        for each, said in (ABOUT | dict(about)).items()
    ]
    return InvariantsOut(check and check.finished_at, check.txs if check else 0, check.users if check else 0, shown)


def correction_out(correction: Correction) -> CorrectionOut:
    return CorrectionOut(*astuple(correction))


def wallet_out(user_id: int, held: Mapping[Pocket, int]) -> WalletOut:
    """All currencies, whether or not the user ever had any."""
    balances = [
        BalanceOut(
            currency,
            sum(held[pocket] for pocket in pockets),
            [PocketOut(pocket.name.lower(), held[pocket]) for pocket in pockets],
        )
        for currency, pockets in SPENDABLE.items()
    ]
    return WalletOut(user_id, balances, held[Pocket.PENDING_GEMS])


def page_out(found: Sequence[Transaction], changes: Sequence[Change], *, limit: int) -> TransactionsPage:
    """Transactions with their changes."""
    by_tx: dict[int, list[ChangeOut]] = {each.id: [] for each in found}
    for change in changes:
        pocket = change.pocket
        by_tx[change.tx_id].append(ChangeOut(pocket.name.lower(), pocket.currency, change.amount, change.balance_after))
    shown = [TransactionOut(each.id, each.kind, each.posted_at, each.corrects, by_tx[each.id]) for each in found]
    return TransactionsPage(shown, found[-1].id if len(found) == limit else None)
