"""The real application on a test's own database, and people and programs who may call it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from casino_club.entry.http import open_app
from casino_club.infra.db.database import Database
from casino_club.infra.http import service_keys
from casino_club.infra.http.access_tokens import issue_access_token
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import Scope

TOKEN_SECRET = "a secret of more than thirty-two characters"
VAULT_SECRET = "another secret of more than thirty-two characters"
NO_KAFKA = "127.0.0.1:1"
"""Where nobody listens: what is asked over HTTP never needs the topic."""


def settings_for(database_url: str, redis_url: str, **more: Any) -> Settings:
    secrets = {"token_secret": TOKEN_SECRET, "vault_secret": VAULT_SECRET}
    named = {"database_url": database_url, "redis_url": redis_url, "kafka_url": NO_KAFKA}
    return Settings.model_validate({"mode": "cluster", **named, **secrets, **more})


async def a_key(database: Database, name: str, scopes: Sequence[Scope] = tuple(Scope)) -> dict[str, str]:
    """The header of a new service key."""
    async with database.transaction() as db:
        _, text = await service_keys.create(db, name, frozenset(scopes), now=datetime.now(UTC))
    return {"authorization": f"Bearer {text}"}


def as_user(user_id: int) -> dict[str, str]:
    return {"authorization": f"Bearer {issue_access_token(TOKEN_SECRET, user_id, datetime.now(UTC))}"}


@dataclass(frozen=True)
class Club:
    """An open application with a service that may do everything."""

    http: httpx.AsyncClient
    service: dict[str, str]
    database: Database

    async def post(self, path: str, body: Any, *, caller: dict[str, str] | None = None) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.service if caller is None else caller)

    async def send(
        self, path: str, content: bytes, *, media_type: str = "application/json", caller: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {**(self.service if caller is None else caller), "content-type": media_type}
        return await self.http.post(path, content=content, headers=headers)

    async def get(self, path: str, *, caller: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query or None, headers=self.service if caller is None else caller)

    async def logged(self) -> list[int]:
        async with self.database.connection() as db:
            return [row[0] for row in await db.fetch("SELECT id FROM user_actions ORDER BY id")]


@asynccontextmanager
async def open_club(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Club]:
    service = await a_key(database, "loader")
    async with open_app(settings_for(database_url, redis_url)) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://casino.test") as http:
            yield Club(http, service, database)
