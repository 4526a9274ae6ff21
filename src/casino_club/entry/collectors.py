"""Who computes the `sampled` metrics when they are scraped, by the name under which a failure shows."""

import asyncio
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from prometheus_client import Metric

from casino_club.entry.wiring import Platform, inspections, jobs, zone_of
from casino_club.features.odds.commands.watching import odds_metrics
from casino_club.features.operations.commands.conservation import standing_metrics
from casino_club.features.privacy.store import erasures
from casino_club.features.shop.store import purchases
from casino_club.features.wallet.commands import checking, reconciling
from casino_club.infra import machine
from casino_club.infra.http.operations import Collectors
from casino_club.infra.jobs.timetable import job_metrics
from casino_club.infra.log import parked
from casino_club.infra.log.lag import lag_metrics
from casino_club.infra.ports import WarehouseAway, WarehouseStore
from casino_club.infra.telemetry.metrics import sample

PING_SECONDS_MAX = 0.8
"""Below what a collector is given: a line that is cut is no failure of the collector."""
MEGABYTE = 1 << 20


def collectors_over(platform: Platform) -> Collectors:
    """All that this platform has a use for."""
    database, warehouse = platform.database, platform.warehouse
    return {
        "log": partial(lag_metrics, database),
        "parked": partial(_parked_metrics, platform),
        "jobs": partial(_job_metrics, platform),
        "privacy": partial(_erasure_metrics, platform),
        "ledger": partial(_ledger_metrics, platform),
        "conservation": partial(_conservation_metrics, platform),
        "odds": partial(odds_metrics, database),
        "shop": partial(_shop_metrics, platform),
        "disk": partial(_disk_metrics, platform),
        **({"warehouse": partial(_warehouse_metrics, warehouse.store)} if warehouse else {}),
    }


async def _parked_metrics(platform: Platform) -> Iterable[Metric]:
    async with platform.database.connection() as db:
        found = await parked.counts(db)
    return [sample("casino_club_parked_rows", {(consumer,): rows for consumer, rows in found.items()})]


async def _job_metrics(platform: Platform) -> Iterable[Metric]:
    return await job_metrics(platform.database, jobs(), zone=zone_of(platform.settings), now=datetime.now(UTC))


async def _erasure_metrics(platform: Platform) -> Iterable[Metric]:
    async with platform.database.connection() as db:
        waits_seconds = await erasures.waits_seconds(db, now=datetime.now(UTC))
    return [sample("casino_club_erasure_waits_seconds", {(): waits_seconds})]


async def _ledger_metrics(platform: Platform) -> Iterable[Metric]:
    async with platform.database.connection() as db:
        found = await checking.violations(db, inspections())
        differing = await reconciling.differing(db)
    return [
        sample("casino_club_ledger_violations", {(each,): float(times) for each, times in found.items()}),
        sample("casino_club_tokens_differing_users", {} if differing is None else {(): float(differing)}),
    ]


async def _shop_metrics(platform: Platform) -> Iterable[Metric]:
    async with platform.database.connection() as db:
        found = await purchases.stuck(db)
    return [sample("casino_club_purchases_stuck", {(state,): float(number) for state, number in found.items()})]


async def _conservation_metrics(platform: Platform) -> Iterable[Metric]:
    return await standing_metrics(platform.database, now=datetime.now(UTC))


async def _disk_metrics(platform: Platform) -> Iterable[Metric]:
    settings = platform.settings
    free = await asyncio.to_thread(shutil.disk_usage, machine.absolute(settings.data_dir))
    return [
        sample("casino_club_disk_free_bytes", {(): free.free}),
        sample("casino_club_disk_wanted_bytes", {(): settings.disk_free_mb_min * MEGABYTE}),
    ]


async def _warehouse_metrics(store: WarehouseStore) -> Iterable[Metric]:
    is_up = True
    try:
        async with asyncio.timeout(PING_SECONDS_MAX):
            await store.ping()
    except (WarehouseAway, TimeoutError):
        is_up = False
    return [sample("casino_club_warehouse_up", {(): float(is_up)})]
