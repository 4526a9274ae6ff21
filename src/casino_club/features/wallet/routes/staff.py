"""What staff see of anybody's wallet, and how they correct what went wrong."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from casino_club.features.wallet.commands import correcting
from casino_club.features.wallet.commands.posting import WalletPolicy
from casino_club.features.wallet.commands.reconciling import ONE_INSTANT, reconciled
from casino_club.features.wallet.routes.users import history_page, partner_tokens_of
from casino_club.features.wallet.rules import refusals
from casino_club.features.wallet.schemas import (
    CorrectionOut,
    CorrectionProposal,
    CorrectionsPage,
    CorrectionsQuery,
    InvariantsOut,
    MovesQuery,
    PartnerTokensOut,
    ReconciliationsPage,
    ReconciliationsQuery,
    TokenDaysOut,
    TokenDaysQuery,
    TransactionsPage,
    UserTokensOut,
    WalletOut,
    correction_out,
    invariants_out,
    reconciliation_out,
    token_days_out,
    user_tokens_out,
    wallet_out,
)
from casino_club.features.wallet.store import checking, corrections, reading
from casino_club.features.wallet.store import reconciling as tokens
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.infra.inspections import Inspections
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["wallet of staff"])


class Callers(TypedDict):
    """Who may call."""

    audience: Audience
    roles: Sequence[Role]


READERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ADMIN)}
WRITERS: Callers = {"audience": Audience.STAFF, "roles": (Role.ADMIN,)}
ANALYSTS: Callers = {"audience": Audience.STAFF, "roles": (Role.ANALYST, Role.SUPPORT, Role.ADMIN)}


@routes.get(
    "/api/admin/wallets/{user_id}",
    **READERS,
    summary="What a user has, by currency and pocket",
    answers={200: WalletOut},
    refusals=(refusals.UserIdTooLarge,),
)
async def read_users_wallet(user_id: Id, database: Database) -> WalletOut:
    async with database.connection() as db:
        return wallet_out(user_id, await reading.held_by(db, user_id))


@routes.get(
    "/api/admin/wallets/{user_id}/history",
    **READERS,
    summary="A user's transactions, newest first",
    query=MovesQuery,
    answers={200: TransactionsPage},
    refusals=(refusals.UserIdTooLarge,),
)
async def read_users_wallet_history(user_id: Id, query: MovesQuery, database: Database) -> TransactionsPage:
    return await history_page(database, user_id, query)


@routes.get(
    "/api/admin/wallets/{user_id}/partner-tokens",
    **READERS,
    summary="What a user earned at the partner, and how much of it they have spent here",
    answers={200: PartnerTokensOut},
    refusals=(refusals.UserIdTooLarge,),
)
async def read_users_partner_tokens(user_id: Id, database: Database) -> PartnerTokensOut:
    return await partner_tokens_of(database, user_id)


@routes.get(
    "/api/admin/wallets/{user_id}/tokens",
    **READERS,
    summary="A user's tokens since they were last reconciled, by the ledger and by the log",
    answers={200: UserTokensOut},
    refusals=(refusals.UserIdTooLarge,),
)
async def read_users_tokens(user_id: Id, database: Database, zone: ZoneInfo) -> UserTokensOut:
    [found] = await database.run(lambda db: reconciled(db, [user_id], zone=zone.key), first=ONE_INSTANT)
    return user_tokens_out(found)


@routes.get(
    "/api/admin/token-reconciliations",
    **ANALYSTS,
    summary="Everybody's tokens, night by night: what there was, came, went and is, and what differs from the log",
    query=ReconciliationsQuery,
    answers={200: ReconciliationsPage},
)
async def read_token_reconciliations(query: ReconciliationsQuery, database: Database) -> ReconciliationsPage:
    async with database.connection() as db:
        found = await tokens.reconciliations(db, before_id=query.cursor, limit=query.limit)
    return ReconciliationsPage(
        [reconciliation_out(each) for each in found], found[-1].id if len(found) == query.limit else None
    )


@routes.get(
    "/api/admin/token-days",
    **ANALYSTS,
    summary="Tokens earned and spent by day, and how much of the partner's was spent here; a year of days at most",
    query=TokenDaysQuery,
    answers={200: TokenDaysOut},
    refusals=(refusals.TooManyDays,),
)
async def read_token_days(query: TokenDaysQuery, database: Database) -> TokenDaysOut:
    refusals.check_days(query.first, query.last)
    async with database.connection() as db:
        days = await tokens.days_between(db, query.first, query.last)
        last = await tokens.reconciliations(db, before_id=None, limit=1)
    return token_days_out(days, last[0] if last else None)


@routes.get(
    "/api/admin/invariants",
    **ANALYSTS,
    summary="What must hold of the ledger and of what rests on it, and what the last check found",
    answers={200: InvariantsOut},
)
async def read_invariants(database: Database, inspections: Inspections) -> InvariantsOut:
    async with database.connection() as db:
        last = await checking.last_check(db)
        found = {} if last is None else await checking.broken(db, last.id)
    return invariants_out(last, found, inspections.about)


@routes.get(
    "/api/admin/wallet-corrections",
    **READERS,
    summary="Corrections, proposed and settled, newest first",
    query=CorrectionsQuery,
    answers={200: CorrectionsPage},
)
async def read_corrections(query: CorrectionsQuery, database: Database) -> CorrectionsPage:
    async with database.connection() as db:
        found = await corrections.corrections(db, before_id=query.cursor, is_open=query.is_open, limit=query.limit)
    return CorrectionsPage(
        [correction_out(each) for each in found], found[-1].id if len(found) == query.limit else None
    )


@routes.post(
    "/api/admin/wallet-corrections",
    **WRITERS,
    summary="Undo a transaction; above the limit, once another admin approves",
    body=CorrectionProposal,
    answers={201: CorrectionOut},
    refusals=(
        refusals.TransactionMissing,
        refusals.AlreadyCorrected,
        refusals.CorrectionOpen,
        refusals.InsufficientFunds,
    ),
)
async def propose_correction(
    subject: UserSubject, body: CorrectionProposal, database: Database, wallet_policy: WalletPolicy, clock: Clock
) -> CorrectionOut:
    now = clock()
    return correction_out(
        await database.run(
            lambda db: correcting.propose(
                db, body.transaction_id, because=body.because, by=subject, now=now, policy=wallet_policy
            )
        )
    )


@routes.post(
    "/api/admin/wallet-corrections/{correction_id}/approve",
    **WRITERS,
    summary="Carry out what another admin proposed",
    answers={200: CorrectionOut},
    refusals=(
        refusals.CorrectionMissing,
        refusals.CorrectionSettled,
        refusals.SecondPersonNeeded,
        refusals.AlreadyCorrected,
        refusals.InsufficientFunds,
    ),
)
async def approve_correction(
    correction_id: Id, subject: UserSubject, database: Database, wallet_policy: WalletPolicy, clock: Clock
) -> CorrectionOut:
    now = clock()
    return correction_out(
        await database.run(lambda db: correcting.approve(db, correction_id, by=subject, now=now, policy=wallet_policy))
    )


@routes.post(
    "/api/admin/wallet-corrections/{correction_id}/withdraw",
    **WRITERS,
    summary="Give a proposed correction up",
    answers={200: CorrectionOut},
    refusals=(refusals.CorrectionMissing, refusals.CorrectionSettled),
)
async def withdraw_correction(
    correction_id: Id, subject: UserSubject, database: Database, clock: Clock
) -> CorrectionOut:
    now = clock()
    return correction_out(await database.run(lambda db: correcting.withdraw(db, correction_id, by=subject, now=now)))
