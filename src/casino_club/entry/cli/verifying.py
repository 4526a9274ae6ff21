"""What a projection holds, as hashes before and after it is made again; and one user's part of it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import typer

from casino_club.entry.cli.opening import WRONG
from casino_club.entry.cli.printing import print_json, print_table, several
from casino_club.entry.wiring import open_platform
from casino_club.infra.log import lag
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.room import room_ahead
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.log.user_replay import Compared, show_again
from casino_club.infra.log.user_replay import compared as compared_user
from casino_club.infra.ports import Unusable
from casino_club.infra.settings import Settings
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.hashes import Hash, hashes

AT_REST_SECONDS_MAX = 30.0


class Hashed(NamedTuple):
    """What a projection holds, and how far the log was then."""

    last_id: int
    hashes: Sequence[Hash]


class Verdict(NamedTuple):
    """What came of comparing. Rows that arrived in between make hashes that can't be compared."""

    before: Hashed
    after: Hashed

    @property
    def arrived(self) -> bool:
        return self.before.last_id != self.after.last_id

    @property
    def differs(self) -> bool:
        return not self.arrived and self.before.hashes != self.after.hashes


def check_place(stores: Stores, subscription: Subscription) -> None:
    """Raise Unusable if there is no warehouse for it."""
    if not stores.take(subscription):
        raise Unusable("There is no warehouse; name one in CASINO_CLUB_WAREHOUSE_URL.")


async def hashed(settings: Settings, subscription: Subscription) -> Hashed:
    """Taken once the reader has come to the log's end, if it does."""
    name = subscription.name
    async with open_platform(settings) as platform:
        stores = platform.stores
        check_place(stores, subscription)
        await _until_at_end(stores, name)
        async with stores.database.connection() as db:
            last_id = (await room_ahead(db)).last_id
            live = await generations.find(db, name)
        if subscription.to_warehouse is None:
            users, digest = await stores.hot.digest(name, subscription.hot_names)
            return Hashed(last_id, [Hash(name, users, str(digest))])
        assert stores.warehouse is not None
        if live is None:
            return Hashed(last_id, [])
        store = stores.warehouse.store
        return Hashed(last_id, await hashes(store, subscription.to_warehouse.package, live.database(store.database)))


async def _until_at_end(stores: Stores, name: str) -> None:
    for _ in range(int(AT_REST_SECONDS_MAX)):
        async with stores.database.connection() as db:
            behind = [each.rows for each in await lag.lags(db) if (each.consumer, each.generation) == (name, 0)]
        if not any(behind):
            return
        await asyncio.sleep(1.0)


def compared(before: Hashed, after: Hashed) -> Verdict:
    return Verdict(before, after)


def print_verdict(verdict: Verdict | None) -> None:
    """The hashes side by side, and what they say."""
    if verdict is None:
        return
    known = {each.table: each for each in verdict.before.hashes}
    rows = [
        (each.table, f"{each.rows:,}", known[each.table].hash if each.table in known else "–", each.hash)
        for each in verdict.after.hashes
    ]
    print_table(("Holds", "Rows", "Hash before", "Hash after"), rows, empty="It holds nothing.")
    if verdict.arrived:
        typer.echo(
            "Actions arrived meanwhile, so the hashes are not of the same rows; repeat it while nothing arrives."
        )
    elif verdict.differs:
        typer.secho("It differs from what was shown before.", fg="red")
    else:
        typer.secho("It is the same as before.", fg="green")


async def replay_user(settings: Settings, subscription: Subscription, user_id: int, *, as_json: bool) -> None:
    """Derive one user's hot values again; or compare the warehouse with the log, which leaves it as it is."""
    async with open_platform(settings) as platform:
        check_place(platform.stores, subscription)
        if subscription.to_warehouse is None:
            rows = await show_again(subscription, platform.stores, user_id)
            text = f"{subscription.name} of user {user_id} is derived again from {several(rows, 'row', 'rows')}."
            print_json({"user_id": user_id, "rows": rows}) if as_json else typer.echo(text)
            return
        _print_compared(await compared_user(subscription, platform.stores, user_id), user_id, as_json=as_json)


def _print_compared(found: Sequence[Compared], user_id: int, *, as_json: bool) -> None:
    same = all(each.held == each.wanted for each in found)
    if as_json:
        print_json({"user_id": user_id, "same": same, "tables": found})
    else:
        rows = [
            (e.held.table, f"{e.held.rows:,}", f"{e.wanted.rows:,}", "same" if e.held == e.wanted else "DIFFERS")
            for e in found
        ]
        print_table(("Table", "Rows held", "Rows wanted", ""), rows, empty="")
        typer.echo("" if same else "Make all of it again with `casino-club replay warehouse`.", nl=not same)
    if not same:
        raise typer.Exit(WRONG)
