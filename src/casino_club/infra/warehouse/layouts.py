"""The tables of a generation: numbered SQL files, run once each in a generation's own database and recorded there.

Files are written for a single server. On a cluster the same statements give replicated tables on every shard, and a
distributed table of the plain name over each.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

import msgspec

from casino_club.infra.ports import ReadLimits, WarehouseStore

DEDUPLICATION_WINDOW = 10_000
"""So many inserts back, a token is known: far more than can lie between an insert and its repetition."""

_DISTRIBUTED = re.compile(r"-- shard (\w+) by (\w+)")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_RECORD = "schema_versions"


@dataclass(frozen=True, slots=True)
class Layout:
    """Whose `sql/tables_*.sql` make the tables, lowest number first; `cluster` names a cluster to make them on."""

    package: str
    cluster: str | None = None


class Version(NamedTuple):
    """A file that has run."""

    name: str


async def apply(store: WarehouseStore, layout: Layout, database: str) -> list[str]:
    """Make the database if there is none, and run the files that it has not had; their names."""
    assert _NAME.match(database), database
    await store.run(f"CREATE DATABASE IF NOT EXISTS {database}{_on_cluster(layout)}")
    await store.run(_record_statement(layout), database=database)
    lacking = await missing(store, layout, database)
    for name in lacking:
        for statement in statements(layout, name):
            await store.run(statement, database=database)
        await store.run(f"INSERT INTO {_RECORD} (name) VALUES ('{name}')", database=database)  # noqa: S608 - names of ours
    return lacking


async def missing(store: WarehouseStore, layout: Layout, database: str) -> list[str]:
    """The files that a generation has not had: all of them, if its tables are gone."""
    had = await _versions(store, database) if await is_there(store, database) else set()
    return [name for name in names(layout) if name not in had]


async def take_over(
    store: WarehouseStore, table: str, from_database: str, to_database: str, *, to_id: int, zone: str
) -> None:
    """Fill a new generation's table, and the views over it, with the rows up to an id, week by week."""
    found = await store.read(
        f"SELECT DISTINCT toString(toMonday(day)) FROM {table} ORDER BY 1",  # noqa: S608 - a name of ours
        {},
        database=from_database,
        result_format="TSV",
        limits=ReadLimits(),
    )
    for week in found.decode().split():
        await store.run(
            f"""INSERT INTO {to_database}.{table}
                SELECT * REPLACE (toDate(action_timestamp, '{zone}') AS day) FROM {from_database}.{table}
                WHERE toMonday(day) = '{week}' AND id <= {to_id}""",  # noqa: S608 - names of ours and a number
            database=to_database,
        )


async def is_there(store: WarehouseStore, database: str) -> bool:
    """Whether a generation's tables were made there."""
    found = await store.read(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = {table:String}",
        {"database": database, "table": _RECORD},
        database="default",
        result_format="TSV",
        limits=ReadLimits(),
    )
    return found.strip() != b"0"


async def drop(store: WarehouseStore, layout: Layout, database: str) -> None:
    """Remove a generation; there may be none."""
    assert _NAME.match(database), database
    await store.run(f"DROP DATABASE IF EXISTS {database}{_on_cluster(layout)} SYNC")


def names(layout: Layout) -> list[str]:
    """The files, in the order in which they run."""
    folder = files(layout.package) / "sql"
    return sorted(each.name for each in folder.iterdir() if each.name.startswith("tables_"))


def statements(layout: Layout, name: str) -> Sequence[str]:
    """The statements of one file as this layout's server is given them."""
    text = (files(layout.package) / "sql" / name).read_text()
    return [rendered for each in text.split(";\n") if each.strip() for rendered in _rendered(each.strip(), layout)]


def _rendered(statement: str, layout: Layout) -> list[str]:
    if layout.cluster is None:
        words = {"local": "", "on_cluster": "", "replicated": "", "window": _window("non_replicated")}
        return [statement.format(**words)]
    words = {
        "local": "_local",
        "on_cluster": _on_cluster(layout),
        "replicated": "Replicated",
        "window": _window("replicated"),
    }
    spread = _DISTRIBUTED.search(statement)
    return [statement.format(**words), *([_distributed(layout, *spread.groups())] if spread else [])]


def _distributed(layout: Layout, table: str, key: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {table}{_on_cluster(layout)} AS {table}_local "
        f"ENGINE = Distributed('{layout.cluster}', currentDatabase(), {table}_local, cityHash64({key}))"
    )


def _window(prefix: str) -> str:
    return f"{prefix}_deduplication_window = {DEDUPLICATION_WINDOW}"


def _on_cluster(layout: Layout) -> str:
    return f" ON CLUSTER '{layout.cluster}'" if layout.cluster else ""


def _record_statement(layout: Layout) -> str:
    replicated = "Replicated" if layout.cluster else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {_RECORD}{_on_cluster(layout)} "
        "(name String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6)) "
        f"ENGINE = {replicated}MergeTree ORDER BY name"
    )


async def _versions(store: WarehouseStore, database: str) -> set[str]:
    found = await store.read(
        f"SELECT DISTINCT name FROM {_RECORD}",  # noqa: S608 - a name of ours
        {},
        database=database,
        result_format="JSONCompactEachRow",
        limits=ReadLimits(),
    )
    return {each.name for each in msgspec.json.Decoder(Version).decode_lines(found)}
