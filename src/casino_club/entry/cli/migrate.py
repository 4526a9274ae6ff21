"""`casino-club migrate`: brings the database, and the warehouse if it answers, to this version's schema."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from casino_club.entry.cli.printing import utc_now
from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.features.odds.commands.versions import ship
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import table_of
from casino_club.features.operations.commands import conservation
from casino_club.features.privacy.commands.journaling import missed_changes
from casino_club.features.rewards.rules.bonus import bonus_tables
from casino_club.features.shop.commands.publishing import ship as ship_catalogue
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.infra import runtime
from casino_club.infra.db import migrate as migrations
from casino_club.infra.db.database import Database
from casino_club.infra.log import origin, pending, positions, rebuild
from casino_club.infra.log.partitions import Log
from casino_club.infra.privacy.journal import Journal
from casino_club.infra.settings import Settings
from casino_club.infra.warehouse import generations
from casino_club.infra.warehouse.warehouse import PROJECTION


def migrate() -> None:
    """Bring database and warehouse to this version's schema and make room in the log. `up` runs this for you."""
    with complaints_for_people():
        settings = read_settings()
        url = runtime.database_url(settings)
        pending = migrations.pending(url)
        migrations.upgrade(url)
        asyncio.run(prepare(settings))
        typer.echo("\n".join(f"ran {name}" for name in pending) or "The schema is current.")
        for sentence in asyncio.run(_bring_warehouse_up_to_date(settings)):
            typer.echo(sentence)


async def prepare(settings: Settings) -> None:
    """Make room for rows, take over a log that was restored from a dump, make live the odds and prices that ship."""
    async with Database(runtime.database_url(settings), connections_max=3) as database:
        if await origin.adopt(database):
            typer.echo("This log was restored from a dump; readers go on after its last row.")
            await _rebuild_warehouse(database)
        await database.run(conservation.begin)
        await Log(database, settings.log_partition_rows, settings.log_partitions_ahead).make_room()
        tables = [*shipped_tables(), *map(table_of, bonus_tables())]
        shipped = await database.run(lambda db: ship(db, tables, now=utc_now()))
        if await database.run(lambda db: ship_catalogue(db, shipped_catalogue(), now=utc_now())):
            shipped.append("the shop's catalogue")
        if shipped:
            typer.echo(f"Made live what ships with the platform: {', '.join(shipped)}.")
        if await missed_changes(database, Journal(runtime.erasure_journal(settings))):
            await _erase_again(settings)


async def _bring_warehouse_up_to_date(settings: Settings) -> Sequence[str]:
    """Apart from the rest: `up` leaves it to the consumer, since nobody is to wait for a warehouse."""
    # Much to import, as below.
    from casino_club.entry.warehouse_tables import bring_up_to_date  # noqa: PLC0415 - see above

    return await bring_up_to_date(settings)


async def _erase_again(settings: Settings) -> None:
    """A restored dump brings people back who had gone: they go again before anybody is served."""
    # Much to import, and hardly ever needed: `up` calls this too.
    from casino_club.entry.wiring import office_over, open_platform  # noqa: PLC0415 - see above
    from casino_club.features.privacy.commands import carrying  # noqa: PLC0415 - see above

    now = datetime.now(UTC)
    async with open_platform(settings) as platform:
        office = office_over(platform)
        again = await carrying.catch_up_with_journal(office, now=now)
        done = await carrying.carry_out_due(office, now=now)
    if again:
        users = "1 user" if again == 1 else f"{again} users"
        waiting = "" if done >= again else f"; for {again - done} of them a store is away and asked again later"
        typer.echo(f"The journal names {users} who had been erased; they are erased again{waiting}.")


async def _rebuild_warehouse(database: Database) -> None:
    """It may hold rows that the dump lacks, whose ids will be given out again; and knows nothing of pages under way."""
    async with database.transaction() as db:
        if await generations.find(db, PROJECTION) is None:
            return
        for generation in (positions.LIVE, rebuild.GENERATION):
            await pending.forget(db, PROJECTION, generation)
        await rebuild.ask_again(db, PROJECTION)
