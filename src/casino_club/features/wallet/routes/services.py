"""Tokens that services bring in and take out for users."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from casino_club.features.actions.public import UserGone
from casino_club.features.wallet.commands import tokens
from casino_club.features.wallet.commands.posting import Posted, WalletPolicy
from casino_club.features.wallet.routes.users import partner_tokens_of
from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.refusals import InsufficientFunds, KeyReused
from casino_club.features.wallet.schemas import PartnerTokensOut, PartnerTokensQuery, TokensIn, TokensOut
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import Scope, ServiceSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["wallet"])


class Callers(TypedDict):
    """Who may call."""

    audience: Audience
    scope: Scope


WRITERS: Callers = {"audience": Audience.SERVICE, "scope": Scope.WALLET_WRITE}


@routes.post(
    "/api/wallet/tokens/earn",
    **WRITERS,
    summary="Give a user tokens that they earned with you",
    body=TokensIn,
    answers={201: TokensOut},
    refusals=(KeyReused, UserGone),
)
async def earn_tokens(
    subject: ServiceSubject, body: TokensIn, database: Database, wallet_policy: WalletPolicy, clock: Clock
) -> TokensOut:
    now = clock()
    return _shown(
        await database.run(
            lambda db: tokens.earn(
                db, body.user_id, body.amount, event_id=body.event_id, by=subject, now=now, policy=wallet_policy
            )
        )
    )


@routes.post(
    "/api/wallet/tokens/spend",
    **WRITERS,
    summary="Take tokens that a user spends with you",
    body=TokensIn,
    answers={201: TokensOut},
    refusals=(InsufficientFunds, KeyReused, UserGone),
)
async def spend_tokens(
    subject: ServiceSubject, body: TokensIn, database: Database, wallet_policy: WalletPolicy, clock: Clock
) -> TokensOut:
    now = clock()
    return _shown(
        await database.run(
            lambda db: tokens.spend(
                db, body.user_id, body.amount, event_id=body.event_id, by=subject, now=now, policy=wallet_policy
            )
        )
    )


@routes.get(
    "/api/wallet/tokens/partner",
    audience=Audience.SERVICE,
    scope=Scope.WALLET_READ,
    summary="What a user earned at the partner, and how much of it they have spent here",
    query=PartnerTokensQuery,
    answers={200: PartnerTokensOut},
)
async def read_users_partner_tokens_for_service(query: PartnerTokensQuery, database: Database) -> PartnerTokensOut:
    return await partner_tokens_of(database, query.user_id)


def _shown(posted: Posted) -> TokensOut:
    partner_tokens = abs(posted.taken_from(Pocket.PARTNER_TOKENS) or posted.received_in(Pocket.PARTNER_TOKENS))
    return TokensOut(posted.tx_id, posted.was_repeated, posted.balance(Currency.CYBER_TOKEN), partner_tokens)
