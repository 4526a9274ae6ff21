"""An application over given routes, with callers whose credentials are known here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from casino_club.infra.http.access_tokens import issue_access_token
from casino_club.infra.http.app import Application, build_app
from casino_club.infra.http.callers import Callers, SessionState
from casino_club.infra.http.operations import Checks, Collectors
from casino_club.infra.http.routes import Routes
from casino_club.infra.http.service_keys import ServiceKey, digest
from casino_club.kernel.subject import Role, Scope

TOKEN_SECRET = "a secret of more than thirty-two characters"
KEY_SECRET = "k" * 43
KEY_TEXT = f"cck_7_{KEY_SECRET}"
KEY = ServiceKey(7, "loader", 100, digest(KEY_SECRET), frozenset([Scope.ACTIONS_WRITE]), datetime.now(UTC), None)

AS_SERVICE = {"authorization": f"Bearer {KEY_TEXT}"}


def as_user(user_id: int, *roles: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {issue_access_token(TOKEN_SECRET, user_id, datetime.now(UTC), roles=roles)}"}


async def find_key(key_id: int) -> ServiceKey | None:
    return KEY if key_id == KEY.id else None


async def find_session(user_id: int, session_id: int) -> SessionState | None:
    return SessionState(frozenset(Role))


async def look_away(*_: object) -> None:
    """Nobody notes who was turned away."""


def application(
    *slices: Routes,
    resources: Mapping[str, Any] | None = None,
    readiness: Checks | None = None,
    collectors: Collectors | None = None,
) -> Application:
    return build_app(
        slices,
        callers=Callers(TOKEN_SECRET, find_key, find_session),
        watch=look_away,
        resources=resources or {},
        readiness=readiness or {},
        collectors=collectors or {},
        version="0.0.0",
        body_mb_max=1,
    )


def client(app: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://casino.test")
