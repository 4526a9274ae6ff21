"""Connections and transactions of PostgreSQL. Only this module begins and commits."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg

from casino_club.infra import silence
from casino_club.kernel.errors import Unavailable

Db = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""What stores and commands receive: a connection with a transaction open."""

T = TypeVar("T")

NO_SCHEMA = "The database lacks this version's schema; run `casino-club migrate`."

SERVER_AWAY = (
    ConnectionError,
    FileNotFoundError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""PostgreSQL is stopping, starting, being restored, full or gone: nothing was acknowledged, and the same work may be
tried again.
"""

CLIENT_FAULTS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises for a mistake of ours, and also for a connection that the server has ended."""


class Crossed(Exception):
    """Another transaction was quicker with the same thing: run again, this one will find it done."""


CROSSED = (Crossed, asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""Two transactions met in opposite order; one of them was rolled back and may simply run again."""

SESSION = {
    "timezone": "UTC",
    "application_name": "casino-club",
    "idle_in_transaction_session_timeout": "60s",
    "transaction_timeout": "300s",
    **silence.OF_DATABASE,
}
"""A transaction that stays open makes every reader of the log look at the same rows again, so none may stay long."""

ATTEMPTS_MAX = 8
CONNECT_SECONDS_MAX = 5.0
ACQUIRE_SECONDS_MAX = 10.0


class Connection(asyncpg.Connection):
    """A connection that is lost once the server has been silent for too long."""

    def __init__(self, protocol: Any, transport: asyncio.BaseTransport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        silence.bound(transport.get_extra_info("socket"))


class Database:
    """A pool of connections. A request or a chunk of work takes one transaction from it."""

    def __init__(
        self,
        url: str,
        *,
        connections_max: int,
        committed: Callable[[], None] = lambda: None,
        connection_class: type[Connection] = Connection,
    ) -> None:
        """`committed` is called after every transaction, outside of it: a hint, not a promise."""
        self._committed = committed
        self._pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections_max,
            max_inactive_connection_lifetime=60.0,
            timeout=CONNECT_SECONDS_MAX,
            connection_class=connection_class,
            reset=_nothing_to_reset,
            server_settings=SESSION,
        )

    async def __aenter__(self) -> "Database":
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), timeout=3.0)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """A connection without a transaction: every statement stands alone."""
        connection = await self._acquire()
        try:
            yield connection
        except CLIENT_FAULTS as fault:
            if is_lost(connection):
                raise ConnectionResetError("the connection to the database was lost") from fault
            raise
        finally:
            await self._pool.release(connection)

    async def _acquire(self) -> "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]":
        """While a connection is being made no work of ours runs that could take too long: the server's clock jumped."""
        try:
            return await self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX)
        except asyncpg.TransactionTimeoutError as jumped:
            raise ConnectionAbortedError("the database ended a connection that was being made") from jumped

    @asynccontextmanager
    async def transaction(self, first: str = "") -> AsyncIterator[Db]:
        """One READ COMMITTED transaction, committed when the block ends without an exception.

        `first` holds statements that go out together with BEGIN, such as `SET LOCAL …`.
        """
        async with self.connection() as connection:
            try:
                await connection.execute(f"BEGIN; {first}" if first else "BEGIN")
                yield connection
                await connection.execute("COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise
        self._committed()

    async def run(self, work: Callable[[Db], Awaitable[T]], *, first: str = "") -> T:
        """Run work in one transaction, again when it crossed another; a server that is away becomes `Unavailable`."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                async with self.transaction(first) as db:
                    return await work(db)
            except CROSSED:
                await asyncio.sleep(random.uniform(0.002, 0.02) * (attempt + 1))  # noqa: S311 - jitter, not a secret
            except SERVER_AWAY as away:
                raise Unavailable("The database does not answer just now; send the same request again.") from away
        raise Unavailable("Too many requests changed the same users at once; send the same request again.")


def is_lost(connection: Db) -> bool:
    """Whether the server has ended this connection. The pool takes a lost one back at once."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


async def _roll_back(connection: Db) -> None:
    """End the transaction, or the connection: what comes back to the pool is clean either way."""
    try:
        await connection.execute("ROLLBACK", timeout=CONNECT_SECONDS_MAX)
    except (*SERVER_AWAY, *CLIENT_FAULTS, asyncpg.PostgresError):
        with suppress(asyncpg.InterfaceError):  # A lost one is not ours to end, and must not hide why we are here.
            connection.terminate()


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """Transactions end with their block and settings are local to them: a round trip saved at every release."""
