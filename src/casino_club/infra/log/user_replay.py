"""Deriving one user again: hot values are replaced, and what the warehouse holds is compared with the log."""

from collections.abc import Sequence
from typing import NamedTuple

from casino_club.infra.db.database import Database
from casino_club.infra.log import history, parked
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import ReadLimits, WarehouseAway, WarehouseStore
from casino_club.infra.warehouse import generations, layouts
from casino_club.infra.warehouse.generations import Generation
from casino_club.infra.warehouse.hashes import Hash, hashes
from casino_club.kernel.clock import Calendar


class Compared(NamedTuple):
    """What a table holds of the user, and what the log says that it should."""

    held: Hash
    wanted: Hash


async def show_again(subscription: Subscription, stores: Stores, user_id: int) -> int:
    """Derive the user's hot values from all of their rows; how many rows. Rows that arrive meanwhile are later ones."""
    assert subscription.to_hot is not None
    await stores.hot.begin_user_again(subscription.name, user_id, subscription.hot_names)
    count = 0
    async for rows in history.rows_of(stores.database, stores.files, user_id):
        wanted = [row for row in rows if subscription.wants(row)]
        await stores.hot.apply_apart(subscription.name, subscription.to_hot(wanted, stores.policies))
        count += len(rows)
    return count


async def compared(subscription: Subscription, stores: Stores, user_id: int) -> list[Compared]:
    """Fill tables of their own with the user's rows, up to the last one that the warehouse has, and compare."""
    into, home = subscription.to_warehouse, stores.warehouse
    assert into is not None
    assert home is not None
    async with stores.database.connection() as db:
        live = await generations.find(db, subscription.name)
        apart = Generation(await generations.next_number(db), home.zone)
    if live is None:
        raise WarehouseAway("The warehouse has no tables yet; a consumer makes them")
    name, layout = apart.database(home.store.database), layouts.Layout(into.package, home.cluster)
    live_name = live.database(home.store.database)
    last_id = await _last_id(home.store, live_name, into.table, user_id)
    held = await hashes(home.store, into.package, live_name, user_id=user_id)
    try:
        await layouts.apply(home.store, layout, name)
        async for rows in history.rows_of(stores.database, stores.files, user_id):
            wanted = await _wanted(stores.database, subscription.name, rows, last_id)
            if wanted:
                block = into.effect(wanted, Calendar(live.zone))
                await home.store.insert(into.table, block, database=name, token=str(wanted[0].id))
        return list(map(Compared, held, await hashes(home.store, into.package, name, user_id=user_id)))
    finally:
        await layouts.drop(home.store, layout, name)


async def _wanted(database: Database, consumer: str, rows: Sequence[LogRow], last_id: int) -> list[LogRow]:
    """Those that the warehouse should hold: parked rows are known to be missing."""
    async with database.connection() as db:
        set_aside = await parked.parked_among(db, consumer, [row.id for row in rows])
    return [row for row in rows if row.id <= last_id and row.id not in set_aside]


async def _last_id(store: WarehouseStore, database: str, table: str, user_id: int) -> int:
    found = await store.read(
        f"SELECT max(id) FROM {table} WHERE user_id = {{user_id:Int64}}",  # noqa: S608 - a name of ours
        {"user_id": user_id},
        database=database,
        result_format="TSV",
        limits=ReadLimits(),
    )
    return int(found)
