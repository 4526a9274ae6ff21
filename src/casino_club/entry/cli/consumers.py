"""`casino-club consumers`: who reads the log, and how far; those that are no more are forgotten here."""

from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, print_json, print_table, several, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import readers
from casino_club.infra.audit import deeds
from casino_club.infra.log import lag, parked, positions
from casino_club.infra.log.lag import Lag
from casino_club.infra.log.leading import nobody_leads
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

consumers = typer.Typer(no_args_is_help=True, help="Who reads the log, and how far.")


@consumers.command(name="list")
def list_consumers(as_json: AsJson = False) -> None:
    """Every position in the log. One that nothing reads any more keeps partitions from being archived."""
    settings = read_settings()
    found, known = run(_lags(settings)), readers(settings)
    if as_json:
        print_json([{**each._asdict(), "is_subscribed": each.consumer in known} for each in found])
        return
    rows = [
        (each.consumer, str(each.generation), f"{each.rows:,}", moment(each.moved_at), _told(each, known))
        for each in found
    ]
    print_table(("Consumer", "Generation", "Rows behind", "Moved", "Subscribed"), rows, empty="Nobody has begun yet.")


@consumers.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `consumers list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Forget how far a consumer was that is no more, and its parked rows. Should it come back, it begins anew."""
    if name in readers(read_settings()):
        give_up(f"{name} reads the log in this version; only a consumer that is no more can be forgotten.", MISUSED)
    if not yes and not typer.confirm(f"Forget how far {name} was, and its parked rows, for good?"):
        give_up("Nothing was forgotten.")
    dropped = run(_forget(read_settings(), name))
    typer.echo(f"{name} is forgotten, with {several(dropped, 'parked row', 'parked rows')}.")


def _told(each: Lag, known: frozenset[str]) -> str:
    return "yes" if each.consumer in known else f"no; see `consumers forget {each.consumer}`"


async def _lags(settings: Settings) -> list[Lag]:
    async with open_database(settings) as database, database.connection() as db:
        return await lag.lags(db)


async def _forget(settings: Settings, name: str) -> int:
    async with open_database(settings) as database, database.transaction() as db:
        if not await nobody_leads(db, name):
            give_up(f"A process still reads the log for {name}; stop it first. It may be of an older version.")
        if not await positions.forget(db, name):
            give_up(f"There is no consumer {name}; see `casino-club consumers list`.")
        dropped = await parked.release_all(db, name)
        await deeds.note(db, OPERATOR, "forget_consumer", f"consumer:{name}", {"parked_rows": dropped}, now=utc_now())
    return dropped
