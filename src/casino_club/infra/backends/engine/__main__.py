"""`python -m casino_club.infra.backends.engine`: holds a folder and answers on a loopback port until told to stop."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from aiohttp import web

from casino_club.infra.backends.engine.front import Front
from casino_club.infra.backends.engine.parts import forget_broken
from casino_club.infra.backends.engine.sessions import Engine
from casino_club.infra.telemetry.logs import configure_logging

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DRAIN_SECONDS_MAX = 2.0
BODY_MB_MAX = 256
LOOK_SECONDS = 0.25
PARTS_LOOK_SECONDS = 1.0
BROKEN_STATUS = 3
BROKEN_KEPT = timedelta(days=7)


def main() -> None:
    """Arguments: the folder and the port. The cap on memory and the secret's file are in the environment."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    configure_logging("info")
    lock = os.open(folder / "held", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another process holds {folder}; stop that one, or choose another CASINO_CLUB_DATA_DIR.")
    _forget_broken(folder / "data")
    engine = Engine(folder / "data", memory_mb_max=int(os.environ["WAREHOUSE_MEMORY_MB"]))
    secret = Path(os.environ["WAREHOUSE_SECRET_FILE"]).read_text()
    uvloop.run(_serve(engine, Front(engine, secret, body_mb_max=BODY_MB_MAX), port))
    _end_if_broken(engine)
    engine.close()


def _forget_broken(folder: Path) -> None:
    for path in forget_broken(folder, before=datetime.now(UTC) - BROKEN_KEPT):
        logger.info("a part that was broken long ago is deleted", extra={"path": str(path)})


async def _serve(engine: Engine, front: Front, port: int) -> None:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    runner = web.AppRunner(front.app, access_log=None, handler_cancellation=True, shutdown_timeout=DRAIN_SECONDS_MAX)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    looking = [asyncio.create_task(each(engine)) for each in (_give_memory_back, _look_at_parts)]
    await asked_to_stop.wait()
    for each in looking:
        each.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    engine.end_all()
    await runner.cleanup()


async def _give_memory_back(engine: Engine) -> None:
    """The allocator keeps what a query has freed; near the cap it has to let go of it."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if engine.is_near_cap():
            await asyncio.to_thread(engine.give_memory_back)


async def _look_at_parts(engine: Engine) -> None:
    while True:
        await asyncio.sleep(PARTS_LOOK_SECONDS)
        await asyncio.to_thread(_end_if_broken, engine)


def _end_if_broken(engine: Engine) -> None:
    """End at once, without closing the folder: whoever opens it next finds what was whole before."""
    broken = engine.broken_parts()
    for part in broken:
        logger.error("a part is broken; ending, so that what it was made of is read", extra={"path": part.path})
    if broken:
        os._exit(BROKEN_STATUS)


if __name__ == "__main__":
    main()
