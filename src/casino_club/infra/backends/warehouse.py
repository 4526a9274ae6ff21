"""A warehouse over ClickHouse's HTTP protocol: the private engine and a server or cluster of the operator's alike."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Self
from urllib.parse import unquote, urlsplit

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from casino_club.infra import silence
from casino_club.infra.ports import (
    Block,
    QueryTooLarge,
    QueryTooLong,
    ReadLimits,
    WarehouseAway,
    WarehouseFault,
)

CONNECT_SECONDS_MAX = 5
WRITE_SECONDS_MAX = 120
GRACE_SECONDS = 5.0
"""The server ends what takes too long; we end it ourselves only if the server does not."""

TOO_LONG = {159, 160}
TOO_LARGE = {241, 396, 307, 158}
BUSY = {202, 209, 210, 236, 242, 252, 279, 285, 319, 999}
"""Too many queries or parts, time-outs of sockets, a table that is read-only for now: the same may be sent again."""


INSERTED_ONCE = {
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_partitions_per_insert_block": 0,
    "distributed_foreground_insert": 1,
}
"""Without the second, a block that a crash cut off from its views would never reach them."""


class ClickHouseWarehouse:
    """Connects when it is first used, so that one that is away is no hindrance."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._client: AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    @property
    def database(self) -> str:
        """See Warehouse, as for all that follows."""
        return self._url.path.strip("/") or "casino_club"

    async def read(
        self, sql: str, parameters: Mapping[str, object], *, database: str, result_format: str, limits: ReadLimits
    ) -> bytes:
        settings = {
            "max_execution_time": limits.seconds_max,
            "max_memory_usage": limits.memory_mb_max * 1024**2,
            "wait_end_of_query": 1,
            "cancel_http_readonly_queries_on_client_close": 1,
            "date_time_output_format": "iso",
        }
        client = await self._opened()
        async with _Telling(of_a_query=True), asyncio.timeout(limits.seconds_max + GRACE_SECONDS):
            return await client.raw_query(
                sql, dict(parameters), settings | {"database": database}, result_format, use_database=False
            )

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        settings = {**INSERTED_ONCE, "insert_deduplication_token": token, "database": database}
        client = await self._opened()
        async with _Telling(), asyncio.timeout(WRITE_SECONDS_MAX):
            await client.raw_insert(table, block.columns, block.data, settings, "Native")

    async def run(self, statement: str, *, database: str | None = None) -> None:
        client = await self._opened()
        async with _Telling(), asyncio.timeout(WRITE_SECONDS_MAX):
            await client.raw_query(statement, settings={"database": database or "default"}, use_database=False)

    async def ping(self) -> None:
        client = await self._opened()
        async with _Telling():
            answers = await client.ping(timeout=CONNECT_SECONDS_MAX)
        if not answers:
            raise WarehouseAway("The warehouse does not answer")

    async def _opened(self) -> AsyncClient:
        async with self._opening:
            if self._client is None:
                async with _Telling(), asyncio.timeout(CONNECT_SECONDS_MAX * 2):
                    self._client = await self._connected()
            return self._client

    async def _connected(self) -> AsyncClient:
        url = self._url
        client = await clickhouse_connect.get_async_client(
            host=url.hostname or "localhost",
            port=url.port or (8443 if url.scheme == "https" else 8123),
            secure=url.scheme == "https",
            username=unquote(url.username or "default"),
            password=unquote(url.password or ""),
            database="default",
            compress=False,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS_MAX,
            send_receive_timeout=WRITE_SECONDS_MAX,
        )
        client._backend.connector_kwargs["socket_factory"] = _bounded_socket  # noqa: SLF001 - there is no other door
        await client.close_connections()
        return client


def _bounded_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(*address[:3])
    silence.bound(made)
    return made


class _Telling:
    """Turns what clients and servers raise into the port's words. Addresses are left out: they hold passwords.

    Only who asks a query may ask for less. What is written has to be written, once there is time and memory again.
    """

    def __init__(self, *, of_a_query: bool = False) -> None:
        self._of_a_query = of_a_query

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _: object, fault: BaseException | None, __: object) -> None:
        match fault:
            case DatabaseError(code=int(code)) if self._of_a_query and code in TOO_LONG:
                raise QueryTooLong from fault
            case DatabaseError(code=int(code)) if self._of_a_query and code in TOO_LARGE:
                raise QueryTooLarge from fault
            case DatabaseError(code=int(code)) if code in TOO_LONG | TOO_LARGE:
                raise WarehouseAway(f"The warehouse has no time or memory for it (code {code})") from fault
            case DatabaseError(code=int(code)) if code not in BUSY:
                raise WarehouseFault(code, str(fault)) from fault
            case ClickHouseError() | aiohttp.ClientError() | OSError():
                raise WarehouseAway(f"The warehouse does not answer ({type(fault).__name__})") from fault
