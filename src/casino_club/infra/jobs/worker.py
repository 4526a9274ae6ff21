"""The process that runs jobs: Celery receives in the main thread, its threads wait, all jobs share one event loop."""

import asyncio
import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from types import FrameType

from celery import signals
from celery.apps import worker as celery_worker
from celery.exceptions import SecurityWarning
from celery.worker import state as celery_state

from casino_club.infra.jobs.broker import celery_app, register
from casino_club.infra.jobs.runner import Runner
from casino_club.infra.jobs.watchdog import watched

logger = logging.getLogger(__name__)

THREADS = 4
"""Jobs at work at once. A long one must not keep the log without room."""
OPEN_SECONDS_MAX = 30.0


class _Process(celery_worker.Worker):  # type: ignore[misc]  # Celery has no types
    """Celery's worker without its own ideas of signals, titles and banners."""

    def install_platform_tweaks(self, *_: object) -> None:
        return

    def set_process_status(self, *_: object) -> None:
        return


Opened = Callable[[], AbstractAsyncContextManager[Runner]]


def work(redis_url: str, opened: Opened, *, ready: Callable[[], None]) -> None:
    """Run what is sent, until a signal says to stop. `ready` is called once messages are taken."""
    with _loop_with(opened) as (loop, runner):
        app = celery_app(redis_url)

        def run(job: str, due_at: str) -> None:
            due = datetime.fromisoformat(due_at)
            asyncio.run_coroutine_threadsafe(runner.run(job, due), loop).result()

        def stop(*_: int | FrameType | None) -> None:
            celery_state.should_stop = 0
            asyncio.run_coroutine_threadsafe(runner.stop(), loop)

        register(app, run)
        with _quiet(ready):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, stop)
            _Process(
                app=app,
                hostname="worker",
                pool="threads",
                concurrency=THREADS,
                quiet=True,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            ).start()


@contextmanager
def _quiet(ready: Callable[[], None]) -> Iterator[None]:
    """Celery writes to our log what is worth a warning, and tells us when it is ready."""
    for name in ("celery", "kombu"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It fears root because messages could be code; ours are JSON, and name a row.
    warnings.simplefilter("ignore", SecurityWarning)

    def keep_ours(**_: object) -> None:
        return

    def tell(**_: object) -> None:
        ready()

    signals.setup_logging.connect(keep_ours, weak=False)
    signals.worker_ready.connect(tell, weak=False)
    try:
        yield
    finally:
        signals.setup_logging.disconnect(keep_ours)
        signals.worker_ready.disconnect(tell)


@contextmanager
def _loop_with(opened: Opened) -> Iterator[tuple[asyncio.AbstractEventLoop, Runner]]:
    """A loop in a thread of its own, with the runner open on it."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="jobs")
        thread.start()
        context = opened()
        try:
            entering = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop)
            with watched(loop, thread):
                yield loop, entering.result(OPEN_SECONDS_MAX)
            asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(OPEN_SECONDS_MAX)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
