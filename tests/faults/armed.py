"""`casino-club` with a fuse: `python -m tests.faults.armed up|serve|consumer|worker|scheduler`.

The product's own code, given a connection and a hot store that look for the fuse at the chosen points.
"""

import asyncio
import signal
import sys
from typing import Any

import uvloop

from casino_club.entry.cli.reading import data_dir_of, read_settings
from casino_club.entry.cli.up import run
from casino_club.entry.consumer import follow_all
from casino_club.entry.http import app_over
from casino_club.entry.scheduler import schedule
from casino_club.entry.wiring import open_platform
from casino_club.entry.worker import work
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Connection
from casino_club.infra.http.server import run_until_stopped
from casino_club.infra.settings import Settings
from casino_club.infra.telemetry.logs import configure_logging
from tests.faults.points import Fuse, Point

PROGRAM = (sys.executable, "-m", "tests.faults.armed")
UNARMED = {"worker": work, "scheduler": schedule}


def armed_connection(fuse: Fuse) -> type[Connection]:
    """A class of connections that reach the points of PostgreSQL."""

    class ArmedConnection(Connection):
        _appends = _moves = False

        async def copy_to_table(self, table_name: str, **options: Any) -> str:
            status: str = await super().copy_to_table(table_name, **options)
            if table_name == "user_actions":
                self._appends = True
                fuse.reach(Point.COPIED)
            return status

        async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
            value = await super().fetchval(query, *args, **options)
            self._moves |= "UPDATE log_positions" in query and args[1] == 0
            return value

        async def execute(self, query: str, *args: Any, **options: Any) -> str:
            appends, moves = query == "COMMIT" and self._appends, query == "COMMIT" and self._moves
            if appends:
                fuse.reach(Point.COMMITTING)
            status: str = await super().execute(query, *args, **options)
            if appends:
                fuse.reach(Point.COMMITTED)
            if moves:
                fuse.reach(Point.MOVED)
            if query.startswith(("COMMIT", "ROLLBACK", "BEGIN")):
                self._appends = self._moves = False
            return status

    return ArmedConnection


class ArmedHotStore(RedisHotStore):
    """Reaches the points of the hot store."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse

    async def apply(self, *args: Any, generation: int = 0, **options: Any) -> bool:
        kept = await super().apply(*args, generation=generation, **options)
        if args[1]:
            self._fuse.reach(Point.REBUILDING if generation else Point.APPLIED)
        return kept

    async def swap(self, *args: Any, **options: Any) -> int:
        swapped = await super().swap(*args, **options)
        self._fuse.reach(Point.SWAPPED)
        return swapped


async def _serve(settings: Settings) -> None:
    fuse = Fuse(data_dir_of(settings))
    async with open_platform(settings, connection_class=armed_connection(fuse)) as platform:
        await run_until_stopped(app_over(platform), settings.host, settings.port)


async def _consume(settings: Settings) -> None:
    fuse = Fuse(data_dir_of(settings))
    async with open_platform(
        settings, connection_class=armed_connection(fuse), open_hot_store=lambda url: ArmedHotStore(url, fuse)
    ) as platform:
        following = asyncio.create_task(follow_all(platform))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, following.cancel)
        await asyncio.wait([following])


def main(command: str) -> None:
    settings = read_settings()
    if command == "up":
        run(settings, program=PROGRAM)
        return
    if command in UNARMED:
        UNARMED[command](settings)
        return
    configure_logging(settings.log_level)
    uvloop.run(_serve(settings) if command == "serve" else _consume(settings))


if __name__ == "__main__":
    main(sys.argv[1])
