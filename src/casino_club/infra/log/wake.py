"""Wake-ups: hints that the log has grown. Losing one costs a reader at most its poll."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self

import asyncpg

from casino_club.infra.db.database import CLIENT_FAULTS, SERVER_AWAY, Connection

CHANNEL = "casino_club_log"
REST_SECONDS = 0.005
RECONNECT_SECONDS = 0.5


class _Line(ABC):
    """A connection of its own while it is entered, made again whenever it is lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _keep(self) -> None:
        while True:
            with suppress(*SERVER_AWAY, *CLIENT_FAULTS):
                connection = await asyncpg.connect(self._url, timeout=5, connection_class=Connection)
                try:
                    await self._use(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(RECONNECT_SECONDS)

    @abstractmethod
    async def _use(self, connection: asyncpg.Connection) -> None:
        """Work on the connection until it is lost."""


class Bell(_Line):
    """Rung after commits, by any number of requests; sends one notification for all rings of a millisecond.

    It has a connection of its own: a NOTIFY inside the appending transactions would make them commit one by one.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def _use(self, connection: asyncpg.Connection) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            await connection.execute(f"NOTIFY {CHANNEL}")
            await asyncio.sleep(REST_SECONDS)


class Ear(_Line):
    """Hears the bell. One `Ear` serves every follower of a process; each waits on an event of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._events: list[asyncio.Event] = []

    def event(self) -> asyncio.Event:
        """An event that is set whenever the log may have grown."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    async def _use(self, connection: asyncpg.Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        await connection.add_listener(CHANNEL, self._heard)
        await lost.wait()

    def _heard(self, *_: object) -> None:
        for event in self._events:
            event.set()
