"""Brings the sandbox's webhooks: some time after it happened, twice, in no order, and again until they are taken."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import aiohttp

from casino_club.infra.backends.payments.sandbox import SandboxPayments

LOOK_SECONDS: Final = 0.5
SECONDS_MAX: Final = 10.0
REST_SECONDS_MAX: Final = 60.0
COPIES: Final = 2


class Courier:
    """Takes what the sandbox has to tell to one address."""

    def __init__(self, sandbox: SandboxPayments, url: str, *, wall: Callable[[], float] = time.time) -> None:
        self._sandbox, self._url, self._wall = sandbox, url, wall
        self._rests: dict[tuple[UUID, str], tuple[float, float]] = {}

    async def go(self, session: aiohttp.ClientSession) -> int:
        """Bring all that is due; how many were taken."""
        waiting = await asyncio.to_thread(self._waiting)
        random.shuffle(waiting)
        return sum([await self._bring(session, *each) for each in waiting])

    def _waiting(self) -> list[tuple[UUID, str]]:
        at = self._wall()
        found = [
            (key, about)
            for key, kept in self._sandbox.kept().items()
            for about in kept.moments(at)
            if about not in kept.told
        ]
        return [each for each in found if self._rests.get(each, (0.0, 0.0))[0] <= at]

    async def _bring(self, session: aiohttp.ClientSession, key: UUID, about: str) -> bool:
        headers, body = self._sandbox.webhook(key, about, at=datetime.fromtimestamp(self._wall(), UTC))
        named = {name.decode(): value.decode() for name, value in headers.items()}
        named["content-type"] = "application/json"
        is_taken = False
        for _ in range(COPIES):
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(self._url, data=body, headers=named) as answer:
                    is_taken |= answer.ok
        if is_taken:
            await asyncio.to_thread(self._sandbox.tell, key, about)
            self._rests.pop((key, about), None)
        else:
            self._rest(key, about)
        return is_taken

    def _rest(self, key: UUID, about: str) -> None:
        _, before = self._rests.get((key, about), (0.0, LOOK_SECONDS))
        pause = min(before * 2, REST_SECONDS_MAX)
        self._rests[key, about] = self._wall() + pause, pause


def reached_at(host: str) -> str:
    """Where a server of this machine is reached that listens on this address."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared, not bound
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


@asynccontextmanager
async def courier(sandbox: SandboxPayments | None, url: str) -> AsyncIterator[None]:
    """Let a courier go around, if there is a sandbox."""
    if sandbox is None:
        yield
        return
    going = asyncio.create_task(_go_around(sandbox, url))
    try:
        yield
    finally:
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going


async def _go_around(sandbox: SandboxPayments, url: str) -> None:
    messenger = Courier(sandbox, url)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS_MAX)) as session:
        while True:
            await messenger.go(session)
            await asyncio.sleep(LOOK_SECONDS)
