"""Searches every place that may hold something of a person: tables, the hot store and its queues, files."""

import base64
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import pyarrow.parquet as pq

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Canaries:
    """Texts that stand nowhere by chance, as they may be written: plain, in hexadecimal, in base64."""

    texts: frozenset[str]

    @property
    def spellings(self) -> Iterator[bytes]:
        for text in self.texts:
            plain = text.encode()
            yield from (plain, plain.lower(), plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1])

    def in_(self, content: bytes) -> list[str]:
        lowered = content.lower()
        return [each.decode() for each in set(self.spellings) if each in content or each.lower() in lowered]


async def in_tables(database: Database, canaries: Canaries) -> list[str]:
    """Every column of every row of every table: as text, and what is binary also as it is."""
    found = []
    async with database.connection() as db:
        tables = await db.fetch(
            "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class JOIN pg_namespace AS n"
            " ON n.oid = relnamespace WHERE relkind IN ('r', 'm') AND nspname NOT LIKE 'pg\\_%'"
            " AND nspname <> 'information_schema'"
        )
        for (table,) in tables:
            rows = await db.fetch(f"SELECT t::text AS line, t.* FROM {table} AS t")
            found += [f"{table}: {hit}" for row in rows for hit in canaries.in_(_content(row.values()))]
    return found


def _content(values: Iterable[Any]) -> bytes:
    return b"\x1f".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


async def in_hot_store(redis_url: str, canaries: Canaries) -> list[str]:
    """Every key and value, the queues of jobs among them."""
    async with RedisHotStore(redis_url) as store:
        content = [f"{key} {await _value(store, key)}".encode() async for key in store.redis.scan_iter()]
    return [f"redis: {hit}" for each in content for hit in canaries.in_(each)]


async def _value(store: RedisHotStore, key: str) -> Any:
    match await store.redis.type(key):
        case "string":
            return await store.redis.get(key)
        case "list":
            return await store.redis.lrange(key, 0, -1)
        case "set":
            return await store.redis.smembers(key)
        case "hash":
            return await store.redis.hgetall(key)
        case "zset":
            return await store.redis.zrange(key, 0, -1)
        case other:
            raise AssertionError("search this kind as well", other)


def in_warehouse(url: str, canaries: Canaries) -> list[str]:
    """Every column of every row of every table, which the warehouse's files hold compressed."""
    found = []
    with clickhouse_connect.get_client(dsn=urlsplit(url)._replace(path="/system").geturl()) as client:
        tables = client.query(
            "SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree'"
            " AND lower(database) NOT IN ('system', 'information_schema')"
        ).result_rows
        assert tables, "there is nothing to search"
        for database, name in tables:
            rows = client.query(f"SELECT * FROM `{database}`.`{name}`").result_rows
            found += [f"{database}.{name}: {hit}" for row in rows for hit in canaries.in_(_content(row))]
    return found


def in_files(folder: Path, canaries: Canaries, *, leave_out: Iterable[str] = ()) -> list[str]:
    """Every file below a folder, by its name and its bytes; exported partitions are unpacked."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part in leave_out for part in path.relative_to(folder).parts):
            continue
        content = path.name.encode() + b"\x1f" + _unpacked(path)
        found += [f"{path}: {hit}" for hit in canaries.in_(content)]
    return found


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist()).encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return b"\x1f".join(archive.read(name) for name in archive.namelist())
    return path.read_bytes()


async def tables_naming(database: Database, user_id: int) -> set[str]:
    """Tables in which a column of users holds this number."""
    async with database.connection() as db:
        columns = await db.fetch(
            "SELECT c.relname, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public'"
            " AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped"
            " AND (a.attname ~ 'user_id$' OR (c.relname, a.attname) = ('users', 'id'))"
        )
        held = [
            table
            for table, column in columns
            if await db.fetchval(f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}" = $1)', user_id)
        ]
    return set(held)
