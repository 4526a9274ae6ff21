"""What users see of their wallet, and claiming."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.actions.public import UserGone
from casino_club.features.wallet.commands.claiming import claim
from casino_club.features.wallet.commands.posting import WalletPolicy
from casino_club.features.wallet.rules.refusals import InsufficientFunds, KeyReused, UserIdTooLarge
from casino_club.features.wallet.schemas import (
    ClaimIn,
    ClaimOut,
    MovesQuery,
    PartnerTokensOut,
    TransactionsPage,
    WalletOut,
    page_out,
    partner_tokens_out,
    wallet_out,
)
from casino_club.features.wallet.store import reading, reconciling
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["wallet"])


@routes.get(
    "/api/wallet",
    audience=Audience.USER,
    summary="What you have, by currency and pocket",
    answers={200: WalletOut},
    refusals=(UserIdTooLarge,),
)
async def read_wallet(subject: UserSubject, database: Database) -> WalletOut:
    async with database.connection() as db:
        return wallet_out(subject.user_id, await reading.held_by(db, subject.user_id))


@routes.get(
    "/api/wallet/history",
    audience=Audience.USER,
    summary="Your transactions, newest first",
    query=MovesQuery,
    answers={200: TransactionsPage},
    refusals=(UserIdTooLarge,),
)
async def read_wallet_history(subject: UserSubject, query: MovesQuery, database: Database) -> TransactionsPage:
    return await history_page(database, subject.user_id, query)


async def history_page(database: Database, user_id: int, query: MovesQuery) -> TransactionsPage:
    """A page of anybody's history."""
    async with database.connection() as db:
        found = await reading.transactions_of(
            db, user_id, before_id=query.cursor, kind=query.kind, currency=query.currency, limit=query.limit
        )
        changes = await reading.changes_in(db, [each.id for each in found])
    return page_out(found, changes, limit=query.limit)


@routes.get(
    "/api/wallet/partner-tokens",
    audience=Audience.USER,
    summary="What you earned at the partner, and how much of it you have spent here",
    answers={200: PartnerTokensOut},
    refusals=(UserIdTooLarge,),
)
async def read_partner_tokens(subject: UserSubject, database: Database) -> PartnerTokensOut:
    return await partner_tokens_of(database, subject.user_id)


async def partner_tokens_of(database: Database, user_id: int) -> PartnerTokensOut:
    """Anybody's, for whoever may ask."""
    async with database.connection() as db:
        return partner_tokens_out(user_id, await reconciling.partner_tokens(db, user_id))


@routes.post(
    "/api/wallet/claims",
    audience=Audience.USER,
    summary="Claim gems that were granted to you",
    body=ClaimIn,
    answers={201: ClaimOut},
    refusals=(InsufficientFunds, KeyReused, UserGone, UserIdTooLarge),
)
async def claim_gems(
    subject: UserSubject, body: ClaimIn, database: Database, wallet_policy: WalletPolicy, clock: Clock
) -> ClaimOut:
    now = clock()
    posted = await database.run(
        lambda db: claim(db, subject.user_id, body.gems, key=body.key, now=now, policy=wallet_policy)
    )
    return ClaimOut(posted.tx_id, posted.was_repeated, body.gems, posted.balance(Currency.GEM), posted.pending_gems)
