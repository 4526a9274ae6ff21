"""The scheduler: writes down when jobs are due and sends their runs to workers. Of several, one does so at a time."""

import asyncio
import signal

import uvloop

from casino_club.entry.wiring import jobs, zone_of
from casino_club.infra import runtime
from casino_club.infra.db.database import Database
from casino_club.infra.jobs.broker import Sender
from casino_club.infra.jobs.scheduler import Scheduler
from casino_club.infra.processes import tell_ready
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from casino_club.infra.telemetry.metrics import serve_metrics

CONNECTIONS_MAX = 3


def schedule(settings: Settings) -> None:
    """Keep the timetable until told to stop."""
    configure_logging(settings.log_level)
    serve_metrics(settings.host, settings.metrics_port)
    uvloop.run(_schedule(settings))


async def _schedule(settings: Settings) -> None:
    async with Database(runtime.database_url(settings), connections_max=CONNECTIONS_MAX) as database:
        sender = Sender(runtime.redis_url(settings))
        keeping = asyncio.create_task(Scheduler(jobs(), database, sender, zone=zone_of(settings)).keep())
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, keeping.cancel)
        tell_ready("scheduler")
        await asyncio.wait([keeping])
        sender.close()
        if not keeping.cancelled():
            keeping.result()
