"""What operators and their tools ask: is it alive, is it ready, how is it doing, what can it do."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest

from casino_club.infra.http.routes import Audience, Raw, Routes
from casino_club.infra.telemetry.metrics import machine_registry, sample

_log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]
Checks = Mapping[str, Check]
"""By the name of a dependency: a call that raises when it does not answer."""
Collector = Callable[[], Awaitable[Iterable[Metric]]]
Collectors = Mapping[str, Collector]
"""By name: a call that computes `sampled` metrics as they are now."""

CHECK_SECONDS_MAX: Final = 1.0
MAY_BE_AWAY: Final = frozenset({"warehouse"})
"""Without these actions are taken all the same, so a machine in front must not send people away."""

routes = Routes(tags=["operations"])


class State(StrEnum):
    UP = "up"
    DOWN = "down"


class Alive(msgspec.Struct, frozen=True):
    status: str = "alive"


class Dependency(msgspec.Struct, frozen=True):
    """How a server that we need answered just now."""

    state: State
    latency_ms: float


class Ready(msgspec.Struct, frozen=True):
    """Ready when every dependency is up that actions need; degraded when another one is away."""

    is_ready: bool
    is_degraded: bool
    dependencies: dict[str, Dependency]


class Readiness:
    """Asks all dependencies at once. Requests that arrive meanwhile share the answer: asking can't be abused."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._asking: asyncio.Task[Ready] | None = None

    async def ask(self) -> Ready:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        return await asyncio.shield(self._asking)

    async def _ask_all(self) -> Ready:
        found = await asyncio.gather(*(_ask(name, check) for name, check in self._checks.items()))
        dependencies = dict(zip(self._checks, found, strict=True))
        down = {name for name, one in dependencies.items() if one.state is not State.UP}
        return Ready(is_ready=down <= MAY_BE_AWAY, is_degraded=bool(down & MAY_BE_AWAY), dependencies=dependencies)


class Document:
    """The OpenAPI document, encoded once every route is known."""

    content = b"{}"


@routes.get("/healthz", audience=Audience.PUBLIC, summary="Is the process alive", answers={200: Alive})
async def read_health() -> Alive:
    return Alive()


@routes.get("/readyz", audience=Audience.PUBLIC, summary="Do its dependencies answer", answers={200: Ready, 503: Ready})
async def read_readiness(readiness: Readiness) -> tuple[int, Ready]:
    ready = await readiness.ask()
    return (200 if ready.is_ready else 503), ready


@routes.get(
    "/metrics",
    audience=Audience.PUBLIC,
    summary="Counts and times for Prometheus",
    answers={200: str},
    answer_media_type="text/plain",
)
async def read_metrics(collectors: Collectors) -> Raw:
    sampled = await asyncio.gather(*(_collect(name, collector) for name, collector in collectors.items()))
    families = [family for one in sampled if one is not None for family in one]
    up: dict[tuple[str, ...], float] = {
        (name,): float(one is not None) for name, one in zip(collectors, sampled, strict=True)
    }
    # Reading every process's files takes milliseconds that the loop needs for others.
    content = await asyncio.to_thread(_exposition, [*families, sample("casino_club_collector_up", up)])
    return Raw(content, CONTENT_TYPE_LATEST)


@routes.get("/openapi.json", audience=Audience.PUBLIC, summary="This document", answers={200: dict})
async def read_openapi(document: Document) -> Raw:
    return Raw(document.content, "application/json")


class _Sampled:
    """Families that are computed already, in the form that a registry wants."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _exposition(families: list[Metric]) -> bytes:
    sampled = CollectorRegistry()
    sampled.register(_Sampled(families))
    return generate_latest(machine_registry()) + generate_latest(sampled)


async def _ask(name: str, check: Check) -> Dependency:
    started_at = time.perf_counter()
    state = State.UP
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS_MAX)
    except Exception as error:  # noqa: BLE001 - whatever it is, the dependency does not answer
        state = State.DOWN
        _log.warning("A dependency does not answer", extra={"dependency": name, "error": type(error).__name__})
    return Dependency(state, round((time.perf_counter() - started_at) * 1000, 2))


async def _collect(name: str, collector: Collector) -> list[Metric] | None:
    try:
        return list(await asyncio.wait_for(collector(), CHECK_SECONDS_MAX))
    except Exception as error:  # noqa: BLE001 - the other metrics are wanted most when something is broken
        _log.warning("A collector failed", extra={"collector": name, "error": type(error).__name__})
        return None
