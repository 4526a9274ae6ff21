"""What callers are told while PostgreSQL goes away."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
import pytest

from casino_club.infra import silence
from casino_club.infra.db.database import Connection, Database, Db, is_lost
from casino_club.infra.http.problems import is_outage
from casino_club.kernel.errors import Unavailable
from tests.infra.waiting import until


@asynccontextmanager
async def never_hung_up_on(url: str, told: asyncio.Event) -> AsyncIterator[str]:
    """An address at which all that the server says arrives, but not that it has hung up; that sets the event."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query)["host"][0]
    tasks: list[asyncio.Task[None]] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_server: bool) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
            if is_server:
                told.set()
                await asyncio.Event().wait()
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
        tasks.append(asyncio.create_task(forward(reader, to_server, is_server=False)))
        tasks.append(asyncio.create_task(forward(from_server, writer, is_server=True)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        user = parts.netloc.rpartition("@")[0]
        yield urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}", query="sslmode=disable"))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_connection_that_was_told_of_the_end_but_not_hung_up_on_is_an_outage(database_url: str) -> None:
    told = asyncio.Event()
    killer = await asyncpg.connect(database_url)
    async with never_hung_up_on(database_url, told) as url, Database(url, connections_max=3) as database:
        async with database.connection() as db:
            pid = await db.fetchval("SELECT pg_backend_pid()")

        await killer.execute("SELECT pg_terminate_backend($1)", pid)
        await told.wait()
        await killer.execute("SELECT 1")  # What was told has been read by now.
        with pytest.raises(Unavailable) as caught:
            await database.run(lambda db: db.execute("SELECT 1"))

    cause = caught.value.__cause__
    assert cause is not None
    assert isinstance(cause.__cause__, asyncpg.InternalClientError)
    assert is_outage(cause)
    await killer.close()


async def test_so_it_is_without_a_transaction(database_url: str) -> None:
    told = asyncio.Event()
    killer = await asyncpg.connect(database_url)
    async with never_hung_up_on(database_url, told) as url, Database(url, connections_max=3) as database:
        pid = await ask(database, "SELECT pg_backend_pid()")

        await killer.execute("SELECT pg_terminate_backend($1)", pid)
        await told.wait()
        await killer.execute("SELECT 1")
        with pytest.raises(ConnectionResetError):
            await ask(database, "SELECT 1")
    await killer.close()


async def ask(database: Database, question: str) -> int:
    async with database.connection() as db:
        answer: int = await db.fetchval(question)
    return answer


async def test_whoever_is_cancelled_while_the_server_goes_away_is_cancelled(database_url: str) -> None:
    killer = await asyncpg.connect(database_url)

    async def be_cancelled(db: Db) -> None:
        await killer.execute("SELECT pg_terminate_backend($1)", await db.fetchval("SELECT pg_backend_pid()"))
        await until(lambda: is_lost(db))
        raise asyncio.CancelledError

    async with Database(database_url, connections_max=3) as database:
        with pytest.raises(asyncio.CancelledError):
            await database.run(be_cancelled)
    await killer.close()


class JumpedAtBirth(Connection):
    """What a jump of the server's clock does to a connection that is being made."""

    def __new__(cls, *_: object) -> "JumpedAtBirth":
        raise asyncpg.TransactionTimeoutError("terminating connection due to transaction timeout")


async def test_a_connection_that_a_jump_of_the_clock_ends_while_it_is_made_is_an_outage(database_url: str) -> None:
    async with Database(database_url, connections_max=1, connection_class=JumpedAtBirth) as database:
        with pytest.raises(Unavailable):
            await database.run(lambda db: db.execute("SELECT 1"))


async def test_a_server_that_may_only_be_read_while_it_is_restored_is_an_outage(database_url: str) -> None:
    name = urlsplit(database_url).path.strip("/")
    async with Database(database_url, connections_max=1) as database:
        await database.run(lambda db: db.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    async with Database(database_url, connections_max=1) as database:
        with pytest.raises(Unavailable):
            await database.run(lambda db: db.execute("CREATE TABLE nobody (id int)"))


async def test_a_mistake_of_ours_is_no_outage(database: Database) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        await database.run(lambda db: db.fetch("SELECT $1::int, $2::int", 1))


async def test_a_server_that_falls_silent_is_given_up_soon(database_url: str) -> None:
    patience_ms: list[int] = []

    class Watched(Connection):
        def __init__(self, protocol: Any, transport: asyncio.BaseTransport, *rest: Any) -> None:
            super().__init__(protocol, transport, *rest)
            line = transport.get_extra_info("socket")
            patience_ms.append(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    async with (
        never_hung_up_on(database_url, asyncio.Event()) as far,
        Database(far, connections_max=1, connection_class=Watched) as database,
    ):
        await database.run(lambda db: db.execute("SELECT 1"))

    assert patience_ms == [silence.SECONDS_MAX * 1_000]
