"""`casino-club audit`: who did what, and whether anybody has changed that record."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, WRONG, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, note, print_json, print_table, several
from casino_club.entry.cli.reading import read_settings
from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Deed
from casino_club.infra.audit.verify import Verdict
from casino_club.infra.audit.verify import verify as walk_through
from casino_club.infra.settings import Settings

audit = typer.Typer(invoke_without_command=True, help="What staff, their programs and this command line did.")

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Instant = Annotated[datetime | None, typer.Option(formats=DATES, help="In UTC.")]


@audit.callback()
def list_deeds(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option(help="By whom: user:7, service_key:3, 'operator@command line'.")] = None,
    verb: Annotated[str | None, typer.Option(help="What was done, such as ban_user.")] = None,
    target: Annotated[str | None, typer.Option(help="On what, such as user:7 or job:make_room.")] = None,
    since: Instant = None,
    until: Instant = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What staff, their programs and this command line did, newest first."""
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    found = run(_listed(settings, actor, verb, target, since=_utc(since), until=_utc(until), limit=limit))
    if as_json:
        print_json([each._asdict() for each in found])
        return
    print_table(("Id", "When", "Who", "What", "On what", "How"), map(_row, found), empty="There are no such deeds.")
    if len(found) == limit:
        note(f"There may be more: raise --limit, or go on with --until {found[-1].at:%Y-%m-%dT%H:%M:%S}.")


@audit.command()
def verify(
    known: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="What an earlier run printed, from where you keep it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no deed was changed or taken out. Exit code 1 if one was.

    Keep what it prints somewhere else: who can write to the database could write the whole audit anew, or cut off its
    end, and only --known shows that.
    """
    verdict = run(_verified(read_settings(), _known(known)))
    if as_json:
        print_json(verdict)
    elif verdict.fault is None:
        typer.echo(f"{several(verdict.deeds, 'deed hangs', 'deeds hang')} together. Keep this elsewhere:")
        typer.echo(f"{verdict.deeds}:{verdict.hash}")
    else:
        typer.echo(f"{verdict.fault} The {verdict.deeds:,} before it hang together.", err=True)
    if verdict.fault is not None:
        raise typer.Exit(WRONG)


def _row(deed: Deed) -> tuple[str, ...]:
    how = ", ".join(f"{name}={value}" for name, value in deed.arguments.items())
    what = f"{deed.verb} ({deed.refused_as})" if deed.refused_as else deed.verb
    return str(deed.id), moment(deed.at), deed.actor, what, deed.target or "–", how or "–"


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)


def _known(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    number, _, kept = text.partition(":")
    if not number.isdigit() or len(kept) != 64:
        give_up("--known takes what `casino-club audit verify` printed, such as 12:9f86…", MISUSED)
    return int(number), kept


async def _listed(
    settings: Settings,
    actor: str | None,
    verb: str | None,
    target: str | None,
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> list[Deed]:
    async with open_database(settings) as database, database.connection() as db:
        return await deeds.listed(db, actor=actor, verb=verb, target=target, since=since, until=until, limit=limit)


async def _verified(settings: Settings, known: tuple[int, str] | None) -> Verdict:
    async with open_database(settings) as database, database.connection() as db:
        return await walk_through(db, known=known)
