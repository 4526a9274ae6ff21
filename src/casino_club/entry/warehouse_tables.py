"""The warehouse's tables: what they lack for this version, and making them before a consumer needs them."""

from collections.abc import Sequence

from casino_club.entry.wiring import followed, open_platform, subscriptions
from casino_club.infra.db.database import Database
from casino_club.infra.log import positions
from casino_club.infra.log.into_warehouse import InWarehouse
from casino_club.infra.ports import WarehouseAway, WarehouseStore
from casino_club.infra.settings import Settings
from casino_club.infra.warehouse import generations, layouts
from casino_club.infra.warehouse.layouts import Layout


async def bring_up_to_date(settings: Settings) -> Sequence[str]:
    """Make them, or change them, and say so. Consumers do the same when they start, so one that is away is no harm."""
    async with open_platform(settings) as platform:
        stores = platform.stores
        filled = [each for each in followed(stores) if each.to_warehouse is not None]
        if stores.warehouse is None or not filled:
            return ()
        ran: list[str] = []
        try:
            for each in filled:
                assert each.to_warehouse is not None
                effect = InWarehouse(
                    platform.database, stores.files, stores.warehouse, each.name, each.to_warehouse, positions.LIVE
                )
                async with platform.database.connection() as db:
                    ran += await effect.make_tables(db)
        except WarehouseAway as away:
            return (f"The warehouse's tables are as they were: {away}. A consumer sees to them once it answers.",)
    return [f"ran {name} in the warehouse" for name in ran] or ("The warehouse's tables are current.",)


async def lacking(settings: Settings, database: Database, store: WarehouseStore) -> list[str]:
    """The files that the live tables have not had. Those that nobody has made yet lack nothing: see the generation."""
    found: list[str] = []
    for each in subscriptions():
        if each.to_warehouse is None:
            continue
        async with database.connection() as db:
            live = await generations.find(db, each.name)
        if live is not None:
            layout = Layout(each.to_warehouse.package, settings.warehouse_cluster)
            found += await layouts.missing(store, layout, live.database(store.database))
    return found
