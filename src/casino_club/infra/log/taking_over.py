"""Whether the warehouse's live tables hold all that the log has up to an id, so that a rebuild may take it over."""

from casino_club.infra.db.database import Db
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import ReadLimits, WarehouseStore
from casino_club.infra.warehouse import generations
from casino_club.kernel.errors import Kind, Refused

SETTLED_MINUTES = 10
"""Longer than any transaction may stay open, so that no lower id can still appear."""


class NotWhole(Refused):
    """The live tables lack rows that a rebuild would not read again."""

    code = "warehouse_not_whole"
    kind = Kind.CONFLICT


async def check_live(db: Db, stores: Stores, subscription: Subscription, *, to_id: int) -> None:
    """The same for the live tables of a subscription, if it has any. Whoever asks for a rebuild is told before."""
    into, home = subscription.to_warehouse, stores.warehouse
    live = await generations.find(db, subscription.name)
    if to_id and into is not None and home is not None and live is not None:
        database = live.database(home.store.database)
        await check(db, home.store, consumer=subscription.name, database=database, table=into.table, to_id=to_id)


async def check(db: Db, store: WarehouseStore, *, consumer: str, database: str, table: str, to_id: int) -> None:
    """Raises NotWhole with what to do."""
    is_settled = await db.fetchval(
        """SELECT (SELECT appended_at FROM user_actions WHERE id > $1 ORDER BY id LIMIT 1)
                  < now() - make_interval(mins => $2)""",
        to_id,
        SETTLED_MINUTES,
    )
    if not is_settled:
        raise NotWhole(f"What is before id {to_id + 1} is too new to be taken over; begin at an earlier id.")
    wanted: int = await db.fetchval(
        """SELECT (SELECT count(*) FROM user_actions
                   WHERE id <= $1 AND id > (SELECT coalesce(max(last_id), 0) FROM detached_partitions))
                + (SELECT coalesce(sum(row_count), 0)::bigint FROM detached_partitions WHERE last_id <= $1)
                - (SELECT count(*) FROM parked_rows WHERE consumer = $2 AND action_id <= $1)""",
        to_id,
        consumer,
    )
    held = int(
        await store.read(
            f"SELECT count() FROM {table} WHERE id <= {{to_id:Int64}}",  # noqa: S608 - a name of ours
            {"to_id": to_id},
            database=database,
            result_format="TSV",
            limits=ReadLimits(seconds_max=300),
        )
    )
    if held != wanted:
        raise NotWhole(
            f"Up to id {to_id} the log has {wanted:,} rows and the tables hold {held:,}, so they can't be taken over; "
            "leave out --from."
        )
