"""The consumer: follows the log for every subscription, and rebuilds projections when asked."""

import asyncio
import logging
import signal
from datetime import UTC, datetime

import uvloop

from casino_club.entry.wiring import Platform, followed, open_platform
from casino_club.features.operations.commands.conservation import take_stock
from casino_club.features.operations.commands.places import places_of
from casino_club.infra import runtime
from casino_club.infra.log.effects import AWAY
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.rebuilder import rebuild_when_asked
from casino_club.infra.log.wake import Ear
from casino_club.infra.memory import settle_memory
from casino_club.infra.ports import TopicAway
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from casino_club.infra.telemetry.metrics import serve_metrics
from casino_club.kernel.errors import Unavailable

logger = logging.getLogger(__name__)

STOCK_SECONDS = 5.0


def consume(settings: Settings) -> None:
    """Follow the log until told to stop."""
    configure_logging(settings.log_level)
    serve_metrics(settings.host, settings.metrics_port)
    uvloop.run(_consume(settings))


async def _consume(settings: Settings) -> None:
    async with open_platform(settings) as platform:
        settle_memory()
        following = asyncio.create_task(follow_all(platform))
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, following.cancel)
        await asyncio.wait([following])
        if not following.cancelled():
            following.result()


async def follow_all(platform: Platform) -> None:
    """One follower per subscription and the rebuilder, until cancelled."""
    stores = platform.stores
    subscriptions = followed(stores)
    open_source = runtime.source(platform.settings)
    async with Ear(runtime.database_url(platform.settings)) as ear, asyncio.TaskGroup() as tasks:
        for subscription in subscriptions:
            follower = Follower(subscription, stores, open_source(), page_rows=subscription.page_rows)
            tasks.create_task(follower.follow(ear.event()))
        tasks.create_task(rebuild_when_asked(subscriptions, stores))
        tasks.create_task(take_stock_for_ever(platform))


async def take_stock_for_ever(platform: Platform) -> None:
    """Account for every action, until cancelled. What fails is an alarm of its own, and must not stop consumers."""
    places = places_of(platform.warehouse, runtime.topic_counter(platform.settings))
    while True:
        try:
            await take_stock(platform.database, places, now=lambda: datetime.now(UTC))
        except (*AWAY, TopicAway, Unavailable) as away:
            logger.warning("taking stock waits", extra={"reason": repr(away)})
        except Exception:
            logger.exception("taking stock failed")
        await asyncio.sleep(STOCK_SECONDS)
