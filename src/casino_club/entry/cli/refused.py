"""`casino-club refused`: actions that were turned away; recorded after all, or closed."""

from pathlib import Path
from typing import Annotated, Literal

import asyncpg
import typer

from casino_club.entry.cli.opening import MISUSED, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, print_json, print_table, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import open_platform
from casino_club.features.actions.commands.review import dismiss_refused, replay_refused
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow, decoded_action
from casino_club.features.actions.store import refusals
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

refused = typer.Typer(no_args_is_help=True, help="Actions that were turned away, kept with the reason.")

RefusedId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The id that `refused list` shows.")]


@refused.command(name="list")
def list_refused(
    status: Annotated[Literal["open", "replayed", "dismissed"], typer.Option(help="Which ones.")] = "open",
    code: Annotated[str | None, typer.Option(help="Only those refused for this reason.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Refused actions with their reasons, oldest first. `--json` shows what was sent, too."""
    found = run(_list(read_settings(), status, code, after, limit))
    if as_json:
        print_json([dict(row) for row in found])
        return
    print_table(
        ("Id", "Received", "Code", "Why"),
        [(str(row["id"]), moment(row["received_at"]), row["code"], row["message"]) for row in found],
        empty=f"No refused actions are {status}.",
    )


@refused.command()
def replay(
    refused_id: RefusedId,
    corrected: Annotated[
        Path | None,
        typer.Option("--corrected", exists=True, dir_okay=False, help="A JSON file with the action as it should be."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record a refused action in its sender's name: corrected, or as it was, once the rules allow it."""
    correction = _read(corrected) if corrected else None
    _print_settled(run(_replay(read_settings(), refused_id, correction)), as_json=as_json)


@refused.command()
def dismiss(refused_id: RefusedId, as_json: AsJson = False) -> None:
    """Close a refused action without recording it."""
    _print_settled(run(_dismiss(read_settings(), refused_id)), as_json=as_json)


def _read(path: Path) -> ActionIn:
    action = decoded_action(path.read_bytes())
    if isinstance(action, MalformedRow):
        give_up(f"{path}: {action.message}", MISUSED)
    return action


def _print_settled(settled: asyncpg.Record, *, as_json: bool) -> None:
    if as_json:
        print_json(dict(settled))
    elif settled["action_id"] is not None:
        typer.echo(f"Refused action {settled['id']} is in the log now, as action {settled['action_id']}.")
    else:
        typer.echo(f"Refused action {settled['id']} is {settled['status']}.")


async def _list(settings: Settings, status: str, code: str | None, after_id: int, limit: int) -> list[asyncpg.Record]:
    async with open_database(settings) as database, database.connection() as db:
        return await refusals.refused(db, status=status, code=code, after_id=after_id, limit=limit)


async def _replay(settings: Settings, refused_id: int, correction: ActionIn | None) -> asyncpg.Record:
    async with open_platform(settings) as platform:
        policy = platform.policies[ActionPolicy]
        now = utc_now()
        return await platform.database.run(
            lambda db: replay_refused(db, refused_id, correction, by=OPERATOR, now=now, policy=policy)
        )


async def _dismiss(settings: Settings, refused_id: int) -> asyncpg.Record:
    async with open_database(settings) as database, database.transaction() as db:
        return await dismiss_refused(db, refused_id, by=OPERATOR, now=utc_now())
