"""The audit: deeds are there with their effect or not at all, in one chain, and whoever changes one is found out."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Deed
from casino_club.infra.audit.verify import verify
from casino_club.infra.db.database import Database, Db
from casino_club.infra.telemetry.logs import REMOVED, request_id
from casino_club.kernel.subject import OPERATOR, Actor, ServiceSubject, UserSubject

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ADMIN = UserSubject(7, session_id=3)


async def do(database: Database, by: Actor = ADMIN, verb: str = "ban_user", target: str = "user:9") -> None:
    async with database.transaction() as db:
        await deeds.note(db, by, verb, target, {"roles": ["support"], "pages": 2, "is_dry": False}, now=NOW)


async def every(database: Database) -> list[Deed]:
    async with database.connection() as db:
        return await deeds.listed(db, limit=1_000)


async def fault_of(database: Database, known: tuple[int, str] | None = None) -> str | None:
    async with database.connection() as db:
        return (await verify(db, known=known)).fault


async def tamper(database: Database, statement: str) -> None:
    """As somebody may who owns the database."""
    async with database.transaction() as db:
        await db.execute("ALTER TABLE deeds DISABLE TRIGGER deeds_append_only")
        await db.execute(statement)
        await db.execute("ALTER TABLE deeds ENABLE TRIGGER deeds_append_only")


async def test_a_deed_says_who_did_what_on_what_how_and_in_which_request(database: Database) -> None:
    request_id.set("request-1")

    await do(database)

    [deed] = await every(database)
    assert (deed.id, deed.at, deed.actor, deed.session_id) == (1, NOW, "user:7", 3)
    assert (deed.verb, deed.target, deed.request_id) == ("ban_user", "user:9", "request-1")
    assert deed.arguments == {"roles": ["support"], "pages": 2, "is_dry": False}


async def test_a_deed_goes_with_its_effect(database: Database) -> None:
    async def fail(db: Db) -> None:
        await deeds.note(db, ADMIN, "ban_user", "user:9", now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(fail)
    await do(database)

    assert [deed.id for deed in await every(database)] == [1]


async def test_services_and_the_command_line_are_named(database: Database) -> None:
    for by in (ServiceSubject(5, 100, frozenset()), OPERATOR):
        await do(database, by)

    assert [deed.actor for deed in await every(database)] == ["operator@command line", "service_key:5"]


async def test_what_looks_personal_or_secret_is_not_kept(database: Database) -> None:
    async with database.transaction() as db:
        await deeds.note(db, ADMIN, "x", "y", {"a": "minji@example.com", "b": ["from 10.0.0.7"]}, now=NOW)

    [deed] = await every(database)

    assert deed.arguments == {"a": REMOVED, "b": [f"from {REMOVED}"]}


async def test_deeds_at_once_make_one_chain_without_gaps(database: Database) -> None:
    await asyncio.gather(*(do(database, UserSubject(number)) for number in range(1, 41)))

    assert sorted(deed.id for deed in await every(database)) == list(range(1, 41))
    assert await fault_of(database) is None


@pytest.mark.parametrize("statement", ["UPDATE deeds SET verb = 'x'", "DELETE FROM deeds", "TRUNCATE deeds"])
async def test_no_statement_changes_a_deed(database: Database, statement: str) -> None:
    await do(database)

    with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
        async with database.transaction() as db:
            await db.execute(statement)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE deeds SET target = 'user:10' WHERE id = 2", "Deed 2 was changed, or one before it."),
        ("UPDATE deeds SET at = at + interval '1 microsecond' WHERE id = 2", "Deed 2 was changed, or one before it."),
        ("UPDATE deeds SET arguments = '{}' WHERE id = 3", "Deed 3 was changed, or one before it."),
        ("UPDATE deeds SET refused_as = 'x' WHERE id = 1", "Deed 1 was changed, or one before it."),
        ("UPDATE deeds SET hash = '\\x00' WHERE id = 3", "Deed 3 was changed, or one before it."),
        ("DELETE FROM deeds WHERE id = 2", "Deed 2 is missing."),
        ("DELETE FROM deeds WHERE id = 1", "Deed 1 is missing."),
    ],
)
async def test_whoever_changes_a_deed_is_found_out(database: Database, statement: str, fault: str) -> None:
    for _ in range(3):
        await do(database)

    await tamper(database, statement)

    assert await fault_of(database) == fault


async def test_what_was_known_finds_a_cut_and_a_rewritten_end(database: Database) -> None:
    for _ in range(3):
        await do(database)
    async with database.connection() as db:
        known = await verify(db)
    assert await fault_of(database, (known.deeds, known.hash)) is None

    await tamper(database, "DELETE FROM deeds WHERE id = 3")
    assert await fault_of(database) is None
    assert await fault_of(database, (3, known.hash)) == "Deed 3 was known and is missing; the last one is 2."

    await do(database, target="user:10")
    assert await fault_of(database, (3, known.hash)) == "Deed 3 is another than the one that was known."


async def test_deeds_are_found_by_who_what_and_when_a_page_at_a_time(database: Database) -> None:
    for by, verb in ((ADMIN, "ban_user"), (OPERATOR, "ban_user"), (ADMIN, "unban_user"), (ADMIN, "ban_user")):
        await do(database, by, verb)

    async with database.connection() as db:
        found = await deeds.listed(db, actor="user:7", verb="ban_user", limit=1)
        rest = await deeds.listed(db, actor="user:7", verb="ban_user", before_id=found[0].id, limit=5)
        before = await deeds.listed(db, until=NOW, limit=5)
        since = await deeds.listed(db, since=NOW, until=NOW + timedelta(seconds=1), target="user:9", limit=5)

    assert [deed.id for deed in found + rest] == [4, 1]
    assert before == []
    assert [deed.id for deed in since] == [4, 3, 2, 1]
