"""Users who have been erased: hot values end with them, in any projection, and reactions let them rest."""

from collections.abc import Sequence

from casino_club.features.actions.commands import events
from casino_club.features.actions.store import leaving
from casino_club.features.privacy.events import UserErased
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import rebuild, rebuilder
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Kind, Policies, Subscription, subscribe, subscribe_hot
from casino_club.infra.ports import HotValue, HotWrite
from tests.builders.actions import NOON, a_policy
from tests.infra.log.following import append, catch_up


@subscribe_hot("seen", about="The last row seen.", names=("seen",), types=frozenset({"VIEW_CONTENT"}))
def seen(rows: Sequence[LogRow], _: Policies) -> list[HotWrite]:
    return [HotWrite(row.user_id, row.id, {"seen": HotValue(str(row.id))}) for row in rows]


def reacting(given: list[tuple[int, str]], kind: Kind) -> Subscription:
    @subscribe("greet", kind=kind, about="Greets.")
    async def greet(db: Db, rows: Sequence[LogRow], _: Policies) -> None:
        given.extend((row.user_id, row.action_type) for row in rows)

    return greet


async def erase(database: Database, user_id: int) -> None:
    async with database.transaction() as db:
        await events.append(db, UserErased(user_id), at=NOON, policy=a_policy())
        await leaving.close_user(db, user_id, at=NOON)


async def test_hot_values_end_with_the_user_whatever_types_a_projection_asks_for(
    database: Database, hot_store: RedisHotStore
) -> None:
    stores = Stores(database, hot_store)
    await append(database, [7, 8])
    await catch_up(seen, stores)
    await erase(database, 7)
    await catch_up(seen, stores)

    assert (await hot_store.read(7, ["seen"]))["seen"] is None
    assert (await hot_store.read(8, ["seen"]))["seen"] is not None


async def test_a_rebuild_does_not_bring_the_erased_back(database: Database, hot_store: RedisHotStore) -> None:
    stores = Stores(database, hot_store)
    await append(database, [7, 8])
    await catch_up(seen, stores)
    await erase(database, 7)
    async with database.transaction() as db:
        await rebuild.ask(db, "seen")

    assert await rebuilder.run(seen, stores)

    assert (await hot_store.read(7, ["seen"]))["seen"] is None
    assert (await hot_store.read(8, ["seen"]))["seen"] is not None
    assert [key async for key in hot_store.redis.scan_iter("rebuild:*")] == []


async def test_a_reaction_does_nothing_about_the_erased_but_learns_that_they_are_gone(
    database: Database, hot_store: RedisHotStore
) -> None:
    given: list[tuple[int, str]] = []
    await append(database, [7, 8, 7])
    await erase(database, 7)

    await catch_up(reacting(given, Kind.REACTION), Stores(database, hot_store))

    assert given == [(8, "VIEW_CONTENT"), (7, "USER_ERASED")]


async def test_a_projection_in_the_database_still_counts_their_rows(
    database: Database, hot_store: RedisHotStore
) -> None:
    given: list[tuple[int, str]] = []
    await append(database, [7])
    await erase(database, 7)

    await catch_up(reacting(given, Kind.PROJECTION), Stores(database, hot_store))

    assert given == [(7, "VIEW_CONTENT"), (7, "USER_ERASED")]
