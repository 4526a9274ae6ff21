"""Service keys: made, rotated, revoked and found. A secret is shown once, when it is made; its digest is kept."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import asyncpg

from casino_club.infra.db.database import Db
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import Scope

NAMESPACE_MIN: Final = 100
_LOCK_NAMESPACES: Final = 0x63636B  # one maker of namespaces at a time; held until its transaction ends


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key as it is kept. Its secret can't be had back."""

    id: int
    name: str
    namespace: int
    secret_hash: bytes
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None


class KeyNameTaken(Refused):
    code = "service_key_name_taken"
    kind = Kind.CONFLICT


class KeyMissing(Refused):
    code = "service_key_missing"
    kind = Kind.MISSING


class Connections(Protocol):
    """The part of `infra.db.Database` that finding a key needs."""

    def connection(self) -> AbstractAsyncContextManager[Db]: ...


async def create(db: Db, name: str, scopes: frozenset[Scope], *, now: datetime) -> tuple[ServiceKey, str]:
    """A new key in a namespace of its own, with its text to hand over."""
    await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_NAMESPACES)
    namespace = await db.fetchval("SELECT greatest(max(namespace) + 1, $1) FROM service_keys", NAMESPACE_MIN)
    return await _insert(db, name, namespace, scopes, now=now)


async def rotate(db: Db, name: str, *, now: datetime) -> tuple[ServiceKey, str]:
    """A new key in place of the live one of this name: same namespace, same scopes; the old one is revoked."""
    old = await revoke(db, name, now=now)
    return await _insert(db, name, old.namespace, old.scopes, now=now)


async def revoke(db: Db, name: str, *, now: datetime) -> ServiceKey:
    """End the live key of this name. Every process refuses it within a second."""
    row = await db.fetchrow(
        "UPDATE service_keys SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL RETURNING *", name, now
    )
    if row is None:
        raise KeyMissing(f"No live service key is named {name!r}.")
    return _service_key(row)


async def namespace_named(db: Db, name: str) -> int | None:
    """The namespace of what is sent under this name, the latest if there were several, even if its key is revoked."""
    found: int | None = await db.fetchval(
        "SELECT namespace FROM service_keys WHERE name = $1 ORDER BY id DESC LIMIT 1", name
    )
    return found


async def every(db: Db) -> list[ServiceKey]:
    """All keys, revoked ones too, the oldest first."""
    return [_service_key(row) for row in await db.fetch("SELECT * FROM service_keys ORDER BY id LIMIT 10000")]


async def find(db: Db, key_id: int) -> ServiceKey | None:
    """The key with this id, revoked or not."""
    row = await db.fetchrow("SELECT * FROM service_keys WHERE id = $1", key_id)
    return None if row is None else _service_key(row)


def finder(connections: Connections) -> Callable[[int], Awaitable[ServiceKey | None]]:
    """`find` on a connection of its own, as `Callers` wants it."""

    async def find_on_its_own(key_id: int) -> ServiceKey | None:
        async with connections.connection() as db:
            return await find(db, key_id)

    return find_on_its_own


def digest(secret: str) -> bytes:
    """What is kept of a secret. It has 256 random bits, so that a plain hash can't be searched."""
    return hashlib.sha256(secret.encode()).digest()


async def _insert(
    db: Db, name: str, namespace: int, scopes: frozenset[Scope], *, now: datetime
) -> tuple[ServiceKey, str]:
    secret = secrets.token_urlsafe(32)
    try:
        row = await db.fetchrow(
            "INSERT INTO service_keys(name, namespace, secret_hash, scopes, created_at)"
            " VALUES ($1, $2, $3, $4, $5) RETURNING *",
            *(name, namespace, digest(secret), sorted(scopes), now),
        )
    except asyncpg.UniqueViolationError as taken:
        raise KeyNameTaken(f"A live service key is named {name!r} already; rotate or revoke it.") from taken
    assert row is not None
    key = _service_key(row)
    return key, f"cck_{key.id}_{secret}"


def _service_key(row: asyncpg.Record) -> ServiceKey:
    return ServiceKey(
        id=row["id"],
        name=row["name"],
        namespace=row["namespace"],
        secret_hash=row["secret_hash"],
        # A scope that a later version has taken away is simply no longer held.
        scopes=frozenset(scope for scope in Scope if scope in row["scopes"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
