"""Puts the shop together with who takes the money, and tells the wallet's check of what was paid."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from casino_club.entry.wiring import Platform, protection_policy_over, reward_policy_over, wallet_policy_over
from casino_club.features.odds.rules.markets import Funds, Market
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.rules.offers import Place
from casino_club.features.shop.store import purchases
from casino_club.features.wallet.commands.checking import PaymentBook
from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.invariants import PaidFor
from casino_club.infra import runtime
from casino_club.infra.backends.payments.chosen import payment_provider
from casino_club.infra.db.database import Db
from casino_club.infra.settings import Settings
from casino_club.infra.vault import Vault


def shop_desk_over(platform: Platform) -> ShopDesk:
    """What the commands of the shop work with."""
    settings, policies = platform.settings, platform.policies
    market = policies[Market]
    return ShopDesk(
        platform.database,
        payment_provider(settings, payment_webhook_secret(settings)),
        market,
        Place(settings.market, admits_paid_stakes=Funds.CASH_TOKENS not in market.closed),
        wallet_policy_over(settings, policies),
        protection_policy_over(policies),
        reward_policy_over(settings, policies),
        timedelta(minutes=settings.payment_minutes),
    )


def payment_webhook_secret(settings: Settings) -> bytes:
    """What the sandbox signs its webhooks with."""
    return Vault(runtime.vault_secret(settings)).lookup("webhook secret", "payments")


async def payments_settled(db: Db, origins: Sequence[str]) -> Mapping[str, PaidFor]:
    """What the wallet is told of payments when it checks itself; of the shop's, there being no others."""
    ids = {int(number): origin for origin in origins if (number := origin.removeprefix("purchase:")).isdecimal()}
    found = await purchases.settled(db, list(ids))
    return {
        ids[number]: PaidFor(each.user_id, {Pocket.PAID_GEMS: each.paid_gems, Pocket.CASH_TOKENS: each.cash_tokens})
        for number, each in found.items()
    }


PAYMENT_BOOK = PaymentBook(payments_settled)
