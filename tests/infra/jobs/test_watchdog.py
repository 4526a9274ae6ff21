"""A job that blocks the loop is seen, named and counted; one that waits as it should is not."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY

from casino_club.infra.jobs.watchdog import watched
from tests.infra.waiting import wait_for

QUICK = 0.2


@contextmanager
def a_loop() -> Iterator[tuple[asyncio.AbstractEventLoop, threading.Thread]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop, thread
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def counted() -> float:
    return REGISTRY.get_sample_value("casino_club_job_loop_blocked_total") or 0.0


def test_a_job_that_blocks_is_named_and_counted_once_and_its_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    before, is_free = counted(), threading.Event()

    def block_everybody() -> None:
        is_free.wait(30)

    with a_loop() as (loop, thread), watched(loop, thread, blocked_seconds_max=QUICK):
        loop.call_soon_threadsafe(block_everybody)
        wait_for(lambda: counted() > before)
        is_free.set()
        wait_for(lambda: "go on" in caplog.text)

    [error] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "block_everybody" in error.__dict__["at"]
    assert counted() == before + 1


def test_a_job_that_waits_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    with a_loop() as (loop, thread), watched(loop, thread, blocked_seconds_max=5.0):
        began = time.monotonic()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.3), loop).result()

    assert time.monotonic() - began < 5
    assert "blocks" not in caplog.text
