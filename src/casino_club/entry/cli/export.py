"""`casino-club export`: writes the log as Parquet, a file for each of the operator's days."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from casino_club.entry.cli.opening import MISUSED, give_up, open_database, run
from casino_club.entry.cli.printing import AsJson, print_json, print_table, several, utc_now
from casino_club.entry.cli.progress import row_bar
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import zone_of
from casino_club.infra import machine, runtime
from casino_club.infra.audit import deeds
from casino_club.infra.log.detached import FilesUnreadable
from casino_club.infra.log.export import Export, ExportedDay
from casino_club.infra.settings import Settings
from casino_club.kernel.clock import Calendar
from casino_club.kernel.subject import OPERATOR

CUT = "Interrupted: files that are there are whole; call it again for the other days, with --overwrite for all of them."

FromDay = Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, such as 2026-11-01.")]
ToDay = Annotated[str, typer.Option("--to", metavar="DAY", help="The last day; it must be over.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="`export` in the data folder if absent.")]
Users = Annotated[str | None, typer.Option("--users", metavar="ID,ID", help="Only what these users did.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files of these days that are there already.")]


def export(
    from_day: FromDay,
    to_day: ToDay,
    out: Out = None,
    users: Users = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write the rows that the log stored on these days, one Parquet file a day. `import` reads them again.

    The same days give the same files; a late action belongs to the day of its arrival.
    """
    days = _day(from_day, "--from"), _day(to_day, "--to")
    chosen = _users(users)
    settings = read_settings()
    folder = machine.absolute(out or settings.data_dir / "export")
    try:
        work = _export(settings, folder, days, chosen, may_replace=overwrite, shows_bar=not as_json)
        exported = run(work, if_interrupted=CUT)
    except FilesUnreadable as fault:
        give_up(str(fault))
    if as_json:
        print_json({"folder": str(folder), "days": exported})
    else:
        _print(folder, exported)


async def _export(
    settings: Settings,
    folder: Path,
    days: tuple[date, date],
    users: Sequence[int] | None,
    *,
    may_replace: bool,
    shows_bar: bool,
) -> list[ExportedDay]:
    from casino_club.infra.backends.day_files import DayFiles  # noqa: PLC0415 - only this command needs pyarrow, and `--help` imports every command

    files = DayFiles(folder, runtime.log_archive_dir(settings))
    async with open_database(settings) as database:
        async with database.transaction() as db:
            how = {"from": str(days[0]), "to": str(days[1]), "users": "all" if users is None else str(len(users))}
            await deeds.note(db, OPERATOR, "export", "log", how, now=utc_now())
        export = Export(database, files, Calendar(zone_of(settings).key))
        with row_bar("export", shows=shows_bar) as moved:
            return await export.run(
                *days,
                users=users,
                now=utc_now(),
                may_replace=may_replace,
                report=lambda _, done, total: moved.to(done, share=done / total),
            )


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        give_up(f"{option} {text}: write a day as 2026-11-20.", MISUSED)


def _users(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        give_up(f"--users {text}: write numbers with commas between them.", MISUSED)


def _print(folder: Path, exported: Sequence[ExportedDay]) -> None:
    rows = [(str(each.day), f"{each.rows:,}", each.file, each.digest) for each in exported]
    print_table(("Day", "Rows", "File", "SHA-256"), rows, empty="The log stored nothing on these days.")
    if rows:
        total = several(sum(each.rows for each in exported), "row", "rows")
        typer.echo(f"{total} in {several(len(rows), 'file', 'files')} in {folder}.")
