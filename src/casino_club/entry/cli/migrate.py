"""`casino-club migrate`: brings the database to this version's schema."""

import asyncio

import typer

from casino_club.entry.cli.reading import complaints_for_people, read_settings
from casino_club.infra import runtime
from casino_club.infra.db import migrate as migrations
from casino_club.infra.db.database import Database
from casino_club.infra.log import origin
from casino_club.infra.log.partitions import Log
from casino_club.infra.settings import Settings


def migrate() -> None:
    """Bring the database to this version's schema and make room in the log. `up` runs this for you."""
    with complaints_for_people():
        settings = read_settings()
        url = runtime.database_url(settings)
        pending = migrations.pending(url)
        migrations.upgrade(url)
        asyncio.run(prepare_log(settings))
    typer.echo("\n".join(f"ran {name}" for name in pending) or "The schema is current.")


async def prepare_log(settings: Settings) -> None:
    """Make room for rows; take over a log that was restored from a dump."""
    async with Database(runtime.database_url(settings), connections_max=3) as database:
        if await origin.adopt(database):
            typer.echo("This log was restored from a dump; readers go on after its last row.")
        await Log(database, settings.log_partition_rows, settings.log_partitions_ahead).make_room()
