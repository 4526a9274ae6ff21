"""The HTTP API: one process, which opens what it needs, serves, and closes it again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import uvloop

from casino_club.infra import runtime
from casino_club.infra.db.database import Database
from casino_club.infra.http import service_keys
from casino_club.infra.http.app import Application, build_app
from casino_club.infra.http.callers import Callers
from casino_club.infra.http.routes import Routes
from casino_club.infra.http.server import run_until_stopped
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging

SLICES: Final[Sequence[Routes]] = ()
"""The routes of every slice that has any."""


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Unusable when the port is taken."""
    configure_logging(settings.log_level)
    uvloop.run(_serve(settings))


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Application]:
    """The application with everything that it needs open. A server that is away is no hindrance: readiness tells."""
    url, connections_max = runtime.database_url(settings), settings.database_connections_max
    async with Database(url, connections_max=connections_max) as database:
        find_key = service_keys.finder(database)
        yield build_app(
            SLICES,
            callers=Callers(runtime.token_secret(settings), find_key),
            resources={"database": database},
            # Reading a key that can't exist proves that the server answers and that its schema is there.
            readiness={"postgresql": lambda: find_key(0)},
            collectors={},
            version=version("casino-club"),
            body_mb_max=settings.http_body_mb_max,
        )


async def _serve(settings: Settings) -> None:
    async with open_app(settings) as app:
        await run_until_stopped(app, settings.host, settings.port)
