"""The HTTP API: one process, which opens what it needs, serves, and closes it again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import uvloop

from casino_club.entry.answering import beating
from casino_club.entry.collectors import collectors_over
from casino_club.entry.payments import payment_webhook_secret, shop_desk_over
from casino_club.entry.standing import described, look_over, problems
from casino_club.entry.wiring import (
    ROUTES,
    Platform,
    desk_over,
    followed,
    gacha_desk_over,
    game_desk_over,
    inspections,
    jobs,
    odds_desk_over,
    office_over,
    open_platform,
    protection_policy_over,
    reward_policy_over,
    session_finder,
    wallet_policy_over,
    zone_of,
)
from casino_club.features.actions.commands.intake import Single, Verdict, take_together
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.identity.commands.desk import NO_PROVIDERS, Providers
from casino_club.features.odds.rules.markets import Market
from casino_club.features.privacy.commands.journaling import missed_changes
from casino_club.infra import runtime
from casino_club.infra.audit.witness import Witness
from casino_club.infra.backends.oidc.file import open_identity_providers
from casino_club.infra.backends.payments.chosen import sandbox
from casino_club.infra.backends.payments.courier import courier, reached_at
from casino_club.infra.db.group_commit import GroupCommit
from casino_club.infra.http import service_keys
from casino_club.infra.http.app import Application, build_app
from casino_club.infra.http.callers import Callers
from casino_club.infra.http.server import run_until_stopped
from casino_club.infra.privacy.journal import Journal
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry import metrics
from casino_club.infra.telemetry.logs import configure_logging


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Unusable when the port is taken."""
    configure_logging(settings.log_level)
    uvloop.run(_serve(settings))


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Application]:
    """The application with everything that it needs open. A server that is away is no hindrance: readiness tells."""
    async with open_platform(settings) as platform, open_identity_providers(settings) as identity_providers:
        yield app_over(platform, Providers(identity_providers, settings.public_url or ""))


def app_over(platform: Platform, providers: Providers = NO_PROVIDERS) -> Application:
    """The application on what is open already."""
    find_key = service_keys.finder(platform.database)
    token_secret = runtime.token_secret(platform.settings)
    return build_app(
        ROUTES,
        callers=Callers(token_secret, find_key, session_finder(platform.database)),
        watch=Witness(platform.database).turned_away,
        resources=_resources(platform, providers),
        # Reading a key that can't exist proves that the server answers and that its schema is there.
        readiness={
            "postgresql": lambda: find_key(0),
            "redis": platform.hot.ping,
            "erasures": partial(_check_erasures, platform),
            **({"warehouse": platform.warehouse.store.ping} if platform.warehouse else {}),
        },
        collectors=collectors_over(platform),
        version=version("casino-club"),
        body_mb_max=platform.settings.http_body_mb_max,
    )


class ErasuresMissed(Exception):
    """The database was restored from a dump, and brings people back who had been erased; run `casino-club migrate`."""


async def _check_erasures(platform: Platform) -> None:
    """Nobody is to be sent here before the erased are gone again."""
    journal = Journal(runtime.erasure_journal(platform.settings))
    if await missed_changes(platform.database, journal):
        raise ErasuresMissed


async def _health(platform: Platform) -> dict[str, object]:
    seen = await look_over(platform)
    return described(seen, problems(seen))


def _resources(platform: Platform, providers: Providers) -> dict[str, object]:
    """What endpoints take by name."""
    policy = platform.policies[ActionPolicy]

    async def settle_together(singles: Sequence[Single]) -> Sequence[Verdict]:
        return await take_together(platform.log, singles, now=now(), policy=policy)

    return {
        "log": platform.log,
        "policy": policy,
        "clock": now,
        "database": platform.database,
        "stores": platform.stores,
        "subscriptions": followed(platform.stores),
        "jobs": jobs(),
        "inspections": inspections(),
        "zone": zone_of(platform.settings),
        "health": partial(_health, platform),
        "in_flight": lambda: int(metrics.now_of("casino_club_actions_in_flight")),
        "singles": GroupCommit(settle_together),
        "desk": desk_over(platform.settings, platform.database, platform.policies),
        "office": office_over(platform),
        "providers": providers,
        "odds_desk": odds_desk_over(platform),
        "gacha_desk": gacha_desk_over(platform),
        "game_desk": game_desk_over(platform),
        "shop_desk": shop_desk_over(platform),
        "market": platform.policies[Market],
        "protection_policy": protection_policy_over(platform.policies),
        "reward_policy": reward_policy_over(platform.settings, platform.policies),
        "wallet_policy": wallet_policy_over(platform.settings, platform.policies),
        "proxies_in_front": platform.settings.proxies_in_front,
    }


def now() -> datetime:
    return datetime.now(UTC)


async def _serve(settings: Settings) -> None:
    sandbox_payments = sandbox(settings, payment_webhook_secret(settings))
    webhooks = f"http://{reached_at(settings.host)}:{settings.port}/api/webhooks/payments"
    async with (
        open_platform(settings) as platform,
        open_identity_providers(settings) as identity_providers,
        beating(platform.database),
        courier(sandbox_payments, webhooks),
    ):
        app = app_over(platform, Providers(identity_providers, settings.public_url or ""))
        await run_until_stopped(app, settings.host, settings.port, head_seconds_max=settings.http_head_seconds_max)
