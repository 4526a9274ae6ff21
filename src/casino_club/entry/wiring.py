"""Puts the slices together: what each is given, and what each brings."""

import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from casino_club.features.actions import jobs as actions_jobs
from casino_club.features.actions import routes as actions_routes
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.moment import MomentPolicy
from casino_club.features.actions.rules.plan import Checks, TrackingPlan, merged
from casino_club.features.actions.rules.refusals import RefusalPolicy
from casino_club.features.gacha import jobs as gacha_jobs
from casino_club.features.gacha import routes as gacha_routes
from casino_club.features.gacha.commands.desk import GachaDesk
from casino_club.features.games import jobs as games_jobs
from casino_club.features.games.commands import free_coins
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.routes import duels as duel_routes
from casino_club.features.games.routes import free_coins as free_coin_routes
from casino_club.features.games.routes import roulette as roulette_routes
from casino_club.features.games.routes import rounds as round_routes
from casino_club.features.games.routes import rps as rps_routes
from casino_club.features.games.rules.duels import DuelPolicy
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.rules.pace import Pace
from casino_club.features.identity import jobs as identity_jobs
from casino_club.features.identity import public as identity
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.routes import providers as provider_routes
from casino_club.features.identity.routes import users as identity_routes
from casino_club.features.odds import jobs as odds_jobs
from casino_club.features.odds.commands.desk import OddsDesk, Shelf
from casino_club.features.odds.routes import anybody as odds_routes
from casino_club.features.odds.routes import staff as odds_staff_routes
from casino_club.features.odds.routes import users as draw_routes
from casino_club.features.odds.rules.markets import Market, markets_of
from casino_club.features.operations import jobs as operations_jobs
from casino_club.features.operations import routes as operations_routes
from casino_club.features.operations.commands import conservation
from casino_club.features.privacy import jobs as privacy_jobs
from casino_club.features.privacy import routes as privacy_routes
from casino_club.features.privacy.commands.office import Office
from casino_club.features.protection import jobs as protection_jobs
from casino_club.features.protection.commands.admitting import ProtectionPolicy
from casino_club.features.protection.routes import staff as protection_staff_routes
from casino_club.features.protection.routes import users as protection_routes
from casino_club.features.rewards import jobs as rewards_jobs
from casino_club.features.rewards.commands.granting import RewardPolicy
from casino_club.features.rewards.routes import staff as rewards_staff_routes
from casino_club.features.rewards.routes import users as rewards_routes
from casino_club.features.rewards.rules.amounts import AmountPolicy, amounts_of
from casino_club.features.shop import jobs as shop_jobs
from casino_club.features.shop.routes import providers as payment_routes
from casino_club.features.shop.routes import staff as shop_staff_routes
from casino_club.features.shop.routes import users as shop_routes
from casino_club.features.wallet import jobs as wallet_jobs
from casino_club.features.wallet.commands.posting import WalletPolicy
from casino_club.features.wallet.routes import services as token_routes
from casino_club.features.wallet.routes import staff as wallet_staff_routes
from casino_club.features.wallet.routes import users as wallet_routes
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.edges import Edge
from casino_club.infra import runtime
from casino_club.infra.backends.ages import age_verifier
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Connection, Database
from casino_club.infra.http.callers import FindSession, SessionState
from casino_club.infra.inspections import Inspection, Inspections
from casino_club.infra.jobs import upkeep
from casino_club.infra.jobs.job import Job
from casino_club.infra.log import relay
from casino_club.infra.log.effects import Stores, WarehouseHome
from casino_club.infra.log.partitions import Log
from casino_club.infra.log.subscribe import Policies, Subscription
from casino_club.infra.log.wake import Bell
from casino_club.infra.passwords import Passwords
from casino_club.infra.ports import HotStore, Unusable
from casino_club.infra.privacy import hot as privacy_hot
from casino_club.infra.privacy.doors import Eraser, Exporter, Kept, Reach
from casino_club.infra.privacy.journal import Journal
from casino_club.infra.server_seeds import ServerSeeds
from casino_club.infra.settings import Settings
from casino_club.infra.vault import Vault
from casino_club.infra.warehouse.warehouse import Warehouse
from casino_club.kernel.clock import MINUTE_US, Calendar

ROUTES = (
    actions_routes.routes,
    identity_routes.routes,
    provider_routes.routes,
    protection_routes.routes,
    protection_staff_routes.routes,
    wallet_routes.routes,
    token_routes.routes,
    wallet_staff_routes.routes,
    odds_routes.routes,
    draw_routes.routes,
    odds_staff_routes.routes,
    rewards_routes.routes,
    rewards_staff_routes.routes,
    gacha_routes.routes,
    shop_routes.routes,
    shop_staff_routes.routes,
    payment_routes.routes,
    round_routes.routes,
    roulette_routes.routes,
    rps_routes.routes,
    duel_routes.routes,
    free_coin_routes.routes,
    privacy_routes.routes,
    operations_routes.routes,
)
"""The routes of every slice that has any."""

SLICE_JOBS = (
    *(actions_jobs, identity_jobs, privacy_jobs, protection_jobs),
    *(wallet_jobs, odds_jobs, rewards_jobs, gacha_jobs, shop_jobs, games_jobs, operations_jobs),
)
"""The modules in which slices declare subscriptions, jobs, erasers and exporters; lower slices first."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that a process of ours has open."""

    settings: Settings
    database: Database
    log: Log
    hot: HotStore
    policies: Policies
    warehouse: Warehouse | None = None
    """None if this platform does without."""

    @property
    def stores(self) -> Stores:
        """What followers of the log work with."""
        files = LogFiles(runtime.log_archive_dir(self.settings))
        return Stores(self.database, self.hot, self.policies, files, self._warehouse_home)

    @property
    def _warehouse_home(self) -> WarehouseHome | None:
        if self.warehouse is None:
            return None
        return WarehouseHome(self.warehouse.store, zone_of(self.settings).key, self.settings.warehouse_cluster)


@asynccontextmanager
async def open_platform(
    settings: Settings,
    *,
    connection_class: type[Connection] = Connection,
    open_hot_store: Callable[[str], AbstractAsyncContextManager[HotStore]] = RedisHotStore,
) -> AsyncIterator[Platform]:
    """Open the stores; close them again. A server that is away is no hindrance: readiness tells."""
    policies = load_policies(settings)
    url = runtime.database_url(settings)
    async with (
        Bell(url) as bell,
        Database(
            url,
            connections_max=settings.database_connections_max,
            committed=bell.ring,
            connection_class=connection_class,
        ) as database,
        open_hot_store(runtime.redis_url(settings)) as hot,
        _open_warehouse(settings, database) as warehouse,
    ):
        log = Log(database, settings.log_partition_rows, settings.log_partitions_ahead)
        yield Platform(settings, database, log, hot, policies, warehouse)


@asynccontextmanager
async def _open_warehouse(settings: Settings, database: Database) -> AsyncIterator[Warehouse | None]:
    url = runtime.warehouse_url(settings)
    if url is None:
        yield None
        return
    async with ClickHouseWarehouse(url) as store:
        yield Warehouse(database, store)


def load_policies(settings: Settings) -> Policies:
    """What decides, read from the settings and the files that they name. Raises Unusable with what to mend."""
    moment = MomentPolicy(settings.action_late_days_max, settings.action_skew_seconds_max)
    calendar = Calendar(zone_of(settings).key)
    gap_us = settings.streak_gap_minutes * MINUTE_US
    checks = Checks(load_tracking_plan(settings.tracking_plan))
    return {
        ActionPolicy: ActionPolicy(checks, moment, gap_us, calendar),
        RefusalPolicy: RefusalPolicy(settings.refused_keep_days),
        Shelf: Shelf(),
        Market: load_market(settings.market),
        AmountPolicy: load_amounts(settings),
    }


def load_amounts(settings: Settings) -> AmountPolicy:
    """How much rewards are: as shipped, or as the operator says. Raises Unusable with what to mend."""
    bases = {free_coins.KIND: settings.free_coins}
    own = settings.reward_amounts
    if own is None:
        text = (files("casino_club.features.rewards") / "amounts.toml").read_text()
        return amounts_of(tomllib.loads(text), bases)
    try:
        return amounts_of(tomllib.loads(own.read_text()), bases)
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise Unusable(f"CASINO_CLUB_REWARD_AMOUNTS: {own} can't be used: {error}") from error


def load_market(name: str) -> Market:
    """The profile of a market. Raises Unusable with those that there are."""
    text = (files("casino_club.features.odds") / "markets.toml").read_text()
    markets = markets_of(tomllib.loads(text)).markets
    if name not in markets:
        raise Unusable(f"CASINO_CLUB_MARKET: {name!r} is no market; there are {', '.join(markets)}.")
    return markets[name]


def zone_of(settings: Settings) -> ZoneInfo:
    """The operator's time zone. Raises Unusable with what to mend."""
    try:
        return ZoneInfo(settings.timezone)
    except (OSError, ValueError) as error:
        raise Unusable(f"CASINO_CLUB_TIMEZONE: {settings.timezone!r} is no time zone; try Asia/Seoul.") from error


def load_tracking_plan(own: Path | None) -> TrackingPlan:
    """The platform's action types, with the operator's own."""
    shipped = _plan((files("casino_club.features.actions") / "tracking_plan.toml").read_text())
    if own is None:
        return shipped
    try:
        return merged(shipped, _plan(own.read_text()))
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise Unusable(f"CASINO_CLUB_TRACKING_PLAN: {own} can't be used: {error}") from error


def _plan(text: str) -> TrackingPlan:
    return msgspec.convert(tomllib.loads(text), TrackingPlan)


def desk_over(settings: Settings, database: Database, policies: Policies) -> Desk:
    """What the commands of identity work with."""
    return Desk(
        database,
        Vault(runtime.vault_secret(settings)),
        Passwords(),
        policies[ActionPolicy],
        runtime.token_secret(settings),
        age_verifier(settings),
        max(settings.age_years_min, policies[Market].play_age_years_min),
    )


def office_over(platform: Platform) -> Office:
    """What the commands of privacy work with."""
    settings, desk = platform.settings, desk_over(platform.settings, platform.database, platform.policies)
    reach = Reach(platform.stores, desk.vault, followed(platform.stores))
    return Office(
        desk,
        reach,
        erasers(),
        exporters(),
        Journal(runtime.erasure_journal(settings)),
        grace=timedelta(days=settings.erasure_grace_days),
        export_lasts=timedelta(hours=settings.export_keep_hours),
    )


def wallet_policy_over(settings: Settings, policies: Policies) -> WalletPolicy:
    """What decides about money."""
    closed = ways_closed(policies[Market])
    return WalletPolicy(policies[ActionPolicy], closed, corrected_alone_max=settings.correction_alone_max)


def reward_policy_over(settings: Settings, policies: Policies) -> RewardPolicy:
    """What decides about rewards."""
    return RewardPolicy(
        wallet_policy_over(settings, policies),
        protection_policy_over(policies),
        policies[AmountPolicy],
        timedelta(days=settings.coupon_days),
        settings.reward_alone_max,
    )


def ways_closed(market: Market) -> frozenset[Edge]:
    """The ways into games of stakes, and to pulls that may lead there, for money that the market lets into none."""
    games = {(Pocket[each.name], house) for each in market.closed for house in (House.GAMES, House.DUELS)}
    return frozenset(games | {(Pocket[each.name], House.PULLS) for each in market.closed_to_pulls})


def protection_policy_over(policies: Policies) -> ProtectionPolicy:
    """What decides about users' protection."""
    return ProtectionPolicy(policies[ActionPolicy])


def odds_desk_over(platform: Platform) -> OddsDesk:
    """What the commands of odds work with."""
    vault = Vault(runtime.vault_secret(platform.settings))
    return OddsDesk(ServerSeeds(vault.house_key()), platform.policies[Shelf])


def game_desk_over(platform: Platform) -> GameDesk:
    """What the commands of games work with."""
    settings, policies = platform.settings, platform.policies
    pace = Pace(timedelta(milliseconds=settings.slot_round_ms_min), timedelta(milliseconds=settings.game_round_ms_min))
    return GameDesk(
        odds_desk_over(platform),
        policies[Market],
        wallet_policy_over(settings, policies),
        protection_policy_over(policies),
        pace,
        FreeCoins(settings.free_coins, settings.free_coins_ceiling, timedelta(hours=settings.free_coins_hours)),
        DuelPolicy(
            timedelta(minutes=settings.duel_open_minutes),
            timedelta(seconds=settings.duel_step_seconds),
            settings.duel_stake_max,
        ),
        reward_policy_over(settings, policies),
        settings.free_spin_coins,
    )


def gacha_desk_over(platform: Platform) -> GachaDesk:
    """What the commands of gacha work with."""
    settings, policies = platform.settings, platform.policies
    pace = timedelta(milliseconds=settings.game_round_ms_min)
    return GachaDesk(odds_desk_over(platform), policies[Market], reward_policy_over(settings, policies), pace)


def session_finder(database: Database) -> FindSession:
    """What a session is worth now, read on a connection of its own, as `Callers` wants it."""

    async def find_session(user_id: int, session_id: int) -> SessionState | None:
        async with database.connection() as db:
            return await identity.find_session(db, user_id, session_id, now=datetime.now(UTC))

    return find_session


def subscriptions() -> list[Subscription]:
    """Every subscription of every slice."""
    return [found for module in SLICE_JOBS for found in vars(module).values() if isinstance(found, Subscription)]


def followed(stores: Stores) -> list[Subscription]:
    """Those whose effects have a place here: without a warehouse nobody follows for it."""
    return [each for each in subscriptions() if stores.take(each)]


def erasers() -> list[Eraser]:
    """Every eraser, those of higher slices first: theirs may need what lies below."""
    modules = (*reversed(SLICE_JOBS), privacy_hot)
    return [found for module in modules for found in vars(module).values() if isinstance(found, Eraser)]


def exporters() -> list[Exporter]:
    """Every exporter of every slice."""
    return [found for module in SLICE_JOBS for found in vars(module).values() if isinstance(found, Exporter)]


def inspections() -> Inspections:
    """What every slice says must hold of its rows."""
    found = (each for module in SLICE_JOBS for each in vars(module).values() if isinstance(each, Inspection))
    return Inspections(tuple(found))


def rows_kept() -> list[Kept]:
    """What every slice says of rows that stay."""
    return [found for module in SLICE_JOBS for found in vars(module).values() if isinstance(found, Kept)]


def readers(settings: Settings) -> frozenset[str]:
    """The names of all who read the log here: subscriptions, stocktaking, and the relay if there is one."""
    has_warehouse = runtime.warehouse_url(settings) is not None
    found = {each.name for each in subscriptions() if has_warehouse or each.to_warehouse is None}
    names = found | {conservation.NAME}
    return frozenset(names | {relay.NAME} if runtime.has_topic(settings) else names)


def jobs() -> list[Job]:
    """Every job of infra's and of the slices'."""
    return [found for module in (upkeep, *SLICE_JOBS) for found in vars(module).values() if isinstance(found, Job)]
