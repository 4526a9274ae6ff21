"""The worker: runs jobs that the scheduler sends, several at once on one event loop."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from casino_club.entry.payments import PAYMENT_BOOK, shop_desk_over
from casino_club.entry.wiring import Platform, followed, game_desk_over, inspections, jobs, office_over, open_platform
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.privacy.commands.office import Office
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.wallet.commands.checking import PaymentBook
from casino_club.infra import runtime
from casino_club.infra.inspections import Inspections
from casino_club.infra.jobs import worker
from casino_club.infra.jobs.job import Work
from casino_club.infra.jobs.runner import Runner
from casino_club.infra.jobs.runs import PACE, Run
from casino_club.infra.processes import tell_ready
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from casino_club.infra.telemetry.metrics import serve_metrics

PROGRAM = (sys.executable, "-m", "casino_club.entry.cli")


def work(settings: Settings) -> None:
    """Run jobs until told to stop."""
    configure_logging(settings.log_level)
    serve_metrics(settings.host, settings.metrics_port)
    worker.work(runtime.redis_url(settings), lambda: open_runner(settings), ready=lambda: tell_ready("worker"))


@asynccontextmanager
async def open_runner(settings: Settings) -> AsyncIterator[Runner]:
    """What runs jobs, with everything that they need open."""
    async with open_platform(settings) as platform:
        yield Runner({job.name: job for job in jobs()}, platform.database, work_of(platform), pace=PACE)


def work_of(platform: Platform) -> Callable[[Run], Work]:
    """What a run is given."""
    stores, log, subscriptions = platform.stores, platform.log, followed(platform.stores)
    given: dict[type, object] = {
        Office: office_over(platform),
        ShopDesk: shop_desk_over(platform),
        PaymentBook: PAYMENT_BOOK,
        GameDesk: game_desk_over(platform),
        Inspections: inspections(),
    }
    return lambda run: Work(stores, log, subscriptions, datetime.now(UTC), PROGRAM, given, run)
