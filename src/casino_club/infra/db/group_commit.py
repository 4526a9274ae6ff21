"""Many callers, one transaction: what arrives while a commit is under way goes into the next one together."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

from casino_club.infra.telemetry import metrics

Item = TypeVar("Item")
Result = TypeVar("Result")

GROUP_MAX = 64
LANES_MAX = 4
WAIT_SECONDS_MAX = 0.01


class GroupCommit(Generic[Item, Result]):
    """Collects single items and has them committed in groups, with a result for each.

    An item that finds no commit under way starts one at once. A full group, or one that has waited for 2 ms, takes a
    lane of its own, so that one slow transaction does not hold up the rest.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def add(self, item: Item) -> Result:
        """The item's result, once its group has committed; raises what the commit raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if not self._lanes or len(self._waiting) >= GROUP_MAX:
            self._open_lane()
        elif self._timer is None:
            self._timer = loop.call_later(WAIT_SECONDS_MAX, self._open_lane)
        return await future

    def _open_lane(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and len(self._lanes) < LANES_MAX:
            lane = asyncio.get_running_loop().create_task(self._drain())
            self._lanes.add(lane)

    async def _drain(self) -> None:
        try:
            await self._commit_groups()
        finally:
            self._lanes.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _commit_groups(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            metrics.COMMIT_BATCH_ACTIONS.observe(len(group))
            began = time.perf_counter()
            try:
                results = await self._commit([item for item, _ in group])
                assert len(results) == len(group), "a commit answers for every item"
            except Exception as failure:  # noqa: BLE001 - handed on to every caller of the group
                for _, future in group:
                    if not future.done():
                        future.set_exception(failure)
                continue
            finally:
                metrics.COMMIT_BATCH_SECONDS.observe(time.perf_counter() - began)
            for (_, future), result in zip(group, results, strict=True):
                if not future.done():
                    future.set_result(result)
