"""Waits for a condition, never for a time."""

import asyncio
import time
from collections.abc import Callable

import psutil

POLL_SECONDS = 0.01


def wait_for(holds: Callable[[], object], *, seconds_max: float = 30.0) -> None:
    """Asks often, and fails when it takes too long."""
    deadline = time.monotonic() + seconds_max
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(POLL_SECONDS)


async def until(holds: Callable[[], object], *, seconds_max: float = 30.0) -> None:
    """The same for tests whose loop must go on meanwhile."""
    async with asyncio.timeout(seconds_max):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in other processes
            await asyncio.sleep(POLL_SECONDS)


def runs(pid: int) -> bool:
    """Whether it still does anything; one that has ended may wait long to be reaped by strangers."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
