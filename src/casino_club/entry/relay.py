"""The relay: publishes the log to the topic that carries it to consumers, in a process of its own."""

import asyncio
import signal
from functools import partial

import uvloop

from casino_club.infra import runtime
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import rebuild
from casino_club.infra.log.relay import Relay
from casino_club.infra.log.wake import Ear
from casino_club.infra.memory import settle_memory
from casino_club.infra.processes import tell_ready
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from casino_club.infra.telemetry.metrics import serve_metrics

CONNECTIONS_MAX = 3


def relay_log(settings: Settings) -> None:
    """Publish the log until told to stop."""
    configure_logging(settings.log_level)
    serve_metrics(settings.host, settings.metrics_port)
    uvloop.run(_relay(settings))


async def _relay(settings: Settings) -> None:
    url = runtime.database_url(settings)
    async with Database(url, connections_max=CONNECTIONS_MAX) as database, Ear(url) as ear:
        relay = Relay(database, runtime.publisher(settings), set_back=partial(_make_again, settings))
        settle_memory()
        following = asyncio.create_task(relay.follow(ear.event()))
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, following.cancel)
        tell_ready("relay")
        await asyncio.wait([following])
        if not following.cancelled():
            following.result()


async def _make_again(settings: Settings, db: Db) -> None:
    """What projections keep outside a database that was set back may follow from rows that it does not know."""
    # Much to import, and hardly ever needed.
    from casino_club.entry.wiring import subscriptions  # noqa: PLC0415 - see above

    for each in subscriptions():
        if each.may_be_replayed and (each.to_warehouse is None or runtime.warehouse_url(settings)):
            await rebuild.ask_again(db, each.name)
