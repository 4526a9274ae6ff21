"""Service keys on a real database: shown once, kept as a digest, ended for good."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from casino_club.infra.db.database import Database, Db
from casino_club.infra.http import service_keys
from casino_club.infra.http.access_tokens import InvalidToken
from casino_club.infra.http.callers import Callers
from casino_club.infra.http.service_keys import KeyMissing, KeyNameTaken
from casino_club.infra.http.tables import service_keys as table
from casino_club.kernel.subject import Scope, ServiceSubject, Subject
from tests.builders.servers import private_servers
from tests.infra.http.application import TOKEN_SECRET, find_session

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
WRITE = frozenset([Scope.ACTIONS_WRITE])


async def identified(database: Database, text: str) -> Subject:
    callers = Callers(TOKEN_SECRET, service_keys.finder(database), find_session)
    return await callers.identify(f"Bearer {text}".encode())


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_servers(tmp_path_factory.mktemp("servers")) as (url, _):
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, connections_max=3) as opened:
        async with opened.connection() as db:
            await db.execute("DROP TABLE IF EXISTS service_keys")
            await db.execute(str(CreateTable(table).compile(dialect=POSTGRESQL)))
            for index in table.indexes:
                await db.execute(str(CreateIndex(index).compile(dialect=POSTGRESQL)))
        yield opened


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Db]:
    async with database.transaction() as connection:
        yield connection


async def test_a_new_key_opens_and_its_secret_is_not_kept(database: Database) -> None:
    async with database.transaction() as db:
        key, text = await service_keys.create(db, "loader", WRITE, now=NOW)
        kept = str(dict(await db.fetchrow("SELECT * FROM service_keys") or {}))

    subject = await Callers(TOKEN_SECRET, service_keys.finder(database), find_session).identify(
        f"Bearer {text}".encode()
    )

    assert subject == ServiceSubject(key.id, 100, WRITE)
    assert text.split("_", 2)[2] not in kept


async def test_each_key_has_a_namespace_of_its_own(db: Db) -> None:
    keys = [(await service_keys.create(db, name, WRITE, now=NOW))[0] for name in ("a", "b", "c")]

    assert [key.namespace for key in keys] == [100, 101, 102]


async def test_a_rotated_key_keeps_namespace_and_scopes_and_ends_the_old_one(db: Db) -> None:
    old, old_text = await service_keys.create(db, "loader", WRITE, now=NOW)

    new, new_text = await service_keys.rotate(db, "loader", now=NOW)

    assert (new.namespace, new.scopes, new.revoked_at) == (old.namespace, old.scopes, None)
    assert (await service_keys.find(db, old.id) or new).revoked_at == NOW
    assert new_text != old_text


async def test_a_revoked_key_opens_nothing(database: Database) -> None:
    async with database.transaction() as db:
        _, text = await service_keys.create(db, "loader", WRITE, now=NOW)
        await service_keys.revoke(db, "loader", now=NOW)

    with pytest.raises(InvalidToken):
        await identified(database, text)


async def test_a_namespace_is_never_given_twice(db: Db) -> None:
    await service_keys.create(db, "loader", WRITE, now=NOW)
    await service_keys.revoke(db, "loader", now=NOW)

    again, _ = await service_keys.create(db, "loader", WRITE, now=NOW)

    assert again.namespace == 101


async def test_a_name_has_one_live_key(db: Db) -> None:
    await service_keys.create(db, "loader", WRITE, now=NOW)

    with pytest.raises(KeyNameTaken):
        await service_keys.create(db, "loader", WRITE, now=NOW)


@pytest.mark.parametrize("end", [service_keys.revoke, service_keys.rotate])
async def test_what_is_not_there_can_not_be_ended(db: Db, end: object) -> None:
    assert callable(end)

    with pytest.raises(KeyMissing):
        await end(db, "nobody", now=NOW)


async def test_keys_are_listed_with_the_revoked_ones(db: Db) -> None:
    await service_keys.create(db, "loader", WRITE, now=NOW)
    await service_keys.rotate(db, "loader", now=NOW)

    listed = await service_keys.every(db)

    assert [(key.name, key.revoked_at) for key in listed] == [("loader", NOW), ("loader", None)]


async def test_a_scope_that_no_longer_exists_is_not_held(db: Db) -> None:
    key, _ = await service_keys.create(db, "loader", WRITE, now=NOW)
    await db.execute("UPDATE service_keys SET scopes = '{actions:write,actions:forgotten}'")

    assert (await service_keys.find(db, key.id) or key).scopes == WRITE


async def test_platform_namespaces_can_not_be_given_away(db: Db) -> None:
    key, _ = await service_keys.create(db, "loader", WRITE, now=NOW)

    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE service_keys SET namespace = 1 WHERE id = $1", key.id)
