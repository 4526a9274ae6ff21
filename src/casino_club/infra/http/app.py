"""Puts the application together from the slices' routes. What is not declared by `Routes` has no way in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from casino_club.infra.http import home, operations
from casino_club.infra.http.callers import Callers
from casino_club.infra.http.endpoints import Watch, answer_of
from casino_club.infra.http.envelope import Envelope
from casino_club.infra.http.openapi import api_routes, document_of
from casino_club.infra.http.operations import Checks, Collectors
from casino_club.infra.http.paths import Paths
from casino_club.infra.http.routes import Route, Routes, check

MEGABYTE: Final = 1024 * 1024


class Application(FastAPI):
    """FastAPI writes the document; requests go straight to the envelope."""

    def __init__(self, routes: tuple[Route, ...], envelope: Envelope, version: str) -> None:
        # The pages that FastAPI would add load their scripts from other hosts.
        super().__init__(title="Casino-Club", version=version, openapi_url=None, docs_url=None, redoc_url=None)
        self._envelope = envelope
        self._declared = routes
        self.router.routes.extend(api_routes(routes)[0])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._envelope(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        return document_of(self._declared, self.title, self.version)


def build_app(
    slices: Sequence[Routes],
    *,
    callers: Callers,
    watch: Watch,
    resources: Mapping[str, Any],
    readiness: Checks,
    collectors: Collectors,
    version: str,
    body_mb_max: int,
) -> Application:
    """The application. `resources` are what endpoints take by name: the database, the calendar, a batcher."""
    routes = tuple(check(route) for routes in (operations.routes, home.routes, *slices) for route in routes)
    document = operations.Document()
    given = {
        "readiness": operations.Readiness(readiness),
        "collectors": collectors,
        "document": document,
        "page": home.Page.read(),
        **resources,
    }
    paths = Paths()
    for route in routes:
        paths.add(route, answer_of(route, callers, watch, given))
    app = Application(routes, Envelope(paths, body_mb_max * MEGABYTE), version)
    document.content = msgspec.json.encode(app.openapi())
    return app
