"""A document of somebody else's, read now and then by one caller for all; not asked for again at once if it failed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from casino_club.infra.ports import ProviderAway

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """What `read` gave, for as long as it is fresh. Between two reads there is always a pause."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Value]],
        *,
        fresh_seconds: float,
        pause_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._value: Value | None = None
        self._failure = ProviderAway("it was not asked yet")
        self._tried_at = -float("inf")

    async def get(self, *, anew: bool = False) -> Value:
        """The document; `anew` asks again, unless that was done just now. Raises ProviderAway."""
        async with self._lock:
            since = self._monotonic() - self._tried_at
            is_due = since > self._fresh_seconds or self._value is None or anew
            if is_due and since > self._pause_seconds:
                await self._renew()
            if self._value is None:
                raise self._failure
            return self._value

    async def _renew(self) -> None:
        try:
            self._value = await self._read()
        except ProviderAway as failure:
            # Nothing old is shown as current: the provider may have withdrawn it.
            self._value, self._failure = None, ProviderAway(*failure.args)
        finally:
            self._tried_at = self._monotonic()
