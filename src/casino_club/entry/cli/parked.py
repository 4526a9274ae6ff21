"""`casino-club parked`: rows that a consumer could not apply; tried again, or given up."""

from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, WRONG, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, moment, note, print_json, print_table, several, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import open_platform, subscriptions
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.infra.log.parked import ParkedRow, counts, parked_rows, release
from casino_club.infra.log.retry import Retried, retry, retry_all
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

REASON_SHOWN = 100

parked = typer.Typer(no_args_is_help=True, help="Rows of the log that a consumer could not apply.")

Consumer = Annotated[str | None, typer.Option(help="Only rows of this consumer.")]


@parked.command(name="list")
def list_parked(
    consumer: Consumer = None,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this id.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many rows.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Parked rows with their reasons, in the order of the log."""
    rows, total = run(_list(read_settings(), consumer, after, limit))
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    print_table(
        ("Consumer", "Row", "Attempts", "Parked", "Reason"),
        [(row.consumer, str(row.action_id), str(row.attempts), moment(row.parked_at), _short(row)) for row in rows],
        empty="No rows are parked.",
    )
    if len(rows) == limit and total > limit:
        note(f"{several(total, 'row is', 'rows are')} parked in all; go on with --after {rows[-1].action_id - 1}.")


@parked.command(name="retry")
def retry_parked(
    consumer: Consumer = None,
    row_id: Annotated[int | None, typer.Option("--id", min=1, help="Only this row.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every parked row of every consumer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply parked rows again, once their cause is mended. Exit code 1 if any stays parked."""
    if consumer is None and row_id is None and not every:
        give_up("Say which rows: --id ID, --consumer NAME, or --all.", MISUSED)
    retried = run(_retry(read_settings(), consumer, row_id))
    if as_json:
        print_json(retried)
    else:
        typer.echo(_outcome(retried))
    if retried.parked_again or retried.out_of_reach:
        raise typer.Exit(WRONG)


@parked.command()
def drop(
    consumer: Annotated[str, typer.Option(help="Whose row it is.")],
    row_id: Annotated[int, typer.Option("--id", min=1, help="The row.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Give a parked row up: this consumer will never apply it. The log keeps the row."""
    if not yes and not typer.confirm(f"Give up row {row_id} of {consumer} for good?"):
        give_up("Nothing was dropped.")
    if not run(_drop(read_settings(), consumer, row_id)):
        give_up(f"{consumer} has no parked row {row_id}; see `casino-club parked list`.")
    typer.echo(f"Row {row_id} of {consumer} is given up.")


async def _list(settings: Settings, consumer: str | None, after_id: int, limit: int) -> tuple[list[ParkedRow], int]:
    async with open_database(settings) as database, database.connection() as db:
        rows = await parked_rows(db, consumer=consumer, after_id=after_id, limit=limit)
        numbers = await counts(db)
    return rows, numbers.get(consumer, 0) if consumer else sum(numbers.values())


async def _retry(settings: Settings, consumer: str | None, row_id: int | None) -> Retried:
    async with open_platform(settings) as platform:
        async with platform.database.transaction() as db:
            chosen = await _chosen(db, consumer)
            await deeds.note(db, OPERATOR, "retry_parked", _target(consumer, row_id), now=utc_now())
        stores, total = platform.stores, Retried()
        for subscription in chosen:
            if row_id is None:
                total = total.plus(await retry_all(subscription, stores))
            else:
                total = total.plus(await retry(subscription, stores, [row_id]))
        return total


async def _chosen(db: Db, consumer: str | None) -> list[Subscription]:
    """Subscriptions with parked rows; those of consumers that are gone from the code can only be dropped."""
    known = {subscription.name: subscription for subscription in subscriptions()}
    if consumer is not None and consumer not in known:
        give_up(f"There is no consumer {consumer}; there is {', '.join(sorted(known))}.", MISUSED)
    names = await counts(db)
    for name in names.keys() - known.keys():
        note(f"{name} is no consumer any more; its rows can only be dropped.")
    return [known[name] for name in names if name in known and consumer in (None, name)]


async def _drop(settings: Settings, consumer: str, row_id: int) -> bool:
    async with open_database(settings) as database, database.transaction() as db:
        is_dropped = await release(db, consumer, row_id)
        if is_dropped:
            await deeds.note(db, OPERATOR, "drop_parked", _target(consumer, row_id), now=utc_now())
        return is_dropped


def _target(consumer: str | None, row_id: int | None) -> str:
    return ":".join(("parked_row", consumer or "*", "*" if row_id is None else str(row_id)))


def _outcome(retried: Retried) -> str:
    parts = [f"{several(retried.applied, 'row', 'rows')} applied"]
    if retried.parked_again:
        parts.append(f"{retried.parked_again:,} parked again, see `casino-club parked list`")
    if retried.out_of_reach:
        parts.append(f"{retried.out_of_reach:,} not in the log any more, to be dropped")
    return "; ".join(parts) + "."


def _short(row: ParkedRow) -> str:
    text = " ".join(row.reason.split())
    return text if len(text) <= REASON_SHOWN else f"{text[: REASON_SHOWN - 1]}…"
