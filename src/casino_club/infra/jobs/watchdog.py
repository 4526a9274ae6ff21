"""Sees that a job blocks the loop that a worker's jobs share, and says where: no lease can be kept meanwhile."""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from casino_club.infra.telemetry import metrics

logger = logging.getLogger(__name__)

BLOCKED_SECONDS_MAX: Final = 5.0
"""A sixth of a lease: long before another worker takes the runs over."""
FRAMES_SHOWN: Final = 5


@contextmanager
def watched(
    loop: asyncio.AbstractEventLoop, thread: threading.Thread, *, blocked_seconds_max: float = BLOCKED_SECONDS_MAX
) -> Iterator[None]:
    """Watch the loop of this thread from a thread beside it."""
    ended = threading.Event()
    watching = threading.Thread(
        target=_watch, args=(loop, thread, ended, blocked_seconds_max), name="watchdog", daemon=True
    )
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


def _watch(
    loop: asyncio.AbstractEventLoop, thread: threading.Thread, ended: threading.Event, blocked_seconds_max: float
) -> None:
    while not ended.wait(blocked_seconds_max / 5):
        answered = threading.Event()
        began = time.monotonic()
        loop.call_soon_threadsafe(answered.set)
        if answered.wait(blocked_seconds_max):
            continue
        metrics.JOB_LOOP_BLOCKED.inc()
        logger.error("A job blocks all jobs of this worker", extra={"at": _where(thread)})
        while not answered.wait(blocked_seconds_max / 5) and not ended.is_set():
            pass
        logger.warning("The jobs go on", extra={"seconds": round(time.monotonic() - began, 1)})


def _where(thread: threading.Thread) -> str:
    """The innermost lines that the loop's thread is in."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way to see another thread
    lines = traceback.extract_stack(frame)[-FRAMES_SHOWN:] if frame else []
    return " < ".join(f"{each.filename}:{each.lineno} {each.name}" for each in reversed(lines))
