"""`casino-club archive`: moves partitions of the log that are too old or too many into Parquet files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casino_club.entry.cli.opening import give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, print_json, print_table, several, utc_now
from casino_club.entry.cli.reading import read_settings
from casino_club.infra import runtime
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Database
from casino_club.infra.log.archive import Archive, Outcome, Report, Step, Unarchivable
from casino_club.infra.log.partitions import Partition
from casino_club.infra.log.retention import Retention
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import OPERATOR

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be archived, and change nothing.")]


def archive(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Export what the log need not keep, check it, and drop it from the table. The worker runs this every hour."""
    try:
        outcome = run(_archive(read_settings(), dry_run=dry_run, shows_bar=not as_json))
    except Unarchivable as fault:
        give_up(f"{fault}; nothing was dropped.")
    if as_json:
        print_json(outcome)
    else:
        _print(outcome, dry_run=dry_run)


async def _archive(settings: Settings, *, dry_run: bool, shows_bar: bool) -> Outcome:
    async with open_database(settings) as database:
        archive = _opened(settings, database)
        if dry_run:
            return await archive.plan(now=utc_now())
        async with database.transaction() as db:
            how = {"keep_days": settings.log_keep_days, "keep_partitions_max": settings.log_keep_partitions_max}
            await deeds.note(db, OPERATOR, "archive", "log", how, now=utc_now())
        with _bar(shows=shows_bar) as report:
            return await archive.run(now=utc_now(), report=report)


def _opened(settings: Settings, database: Database) -> Archive:
    from casino_club.infra.backends.parquet import ParquetFolder  # noqa: PLC0415 - only this command needs pyarrow, and `--help` imports every command

    retention = Retention(settings.log_keep_days, settings.log_keep_partitions_max)
    return Archive(database, ParquetFolder(runtime.log_archive_dir(settings)), retention)


@contextmanager
def _bar(*, shows: bool) -> Iterator[Report]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    off = not (shows and console.is_terminal)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=off) as bar:
        task = bar.add_task("archive", total=None)

        def report(step: Step, partition: Partition, rows: int) -> None:
            total = rows if step is not Step.EXPORTING else partition.end_id - partition.first_id
            bar.update(task, description=f"{partition.name} {step}", completed=rows, total=total)

        yield report


def _print(outcome: Outcome, *, dry_run: bool) -> None:
    rows = [(each.name, f"{each.first_id:,}", f"{each.last_id:,}", each.file) for each in outcome.archived]
    print_table(("Partition", "First id", "Last id", "File"), rows, empty="Nothing has to be archived.")
    if rows:
        verb = "would be archived" if dry_run else "archived"
        typer.echo(f"{several(len(rows), 'partition', 'partitions')} {verb}.")
    if outcome.waits_for:
        typer.echo(f"More is due and waits for {outcome.waits_for}.")
