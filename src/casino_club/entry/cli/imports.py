"""`casino-club import`: loads history from files, through the same checks as what senders send."""

import hashlib
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from casino_club.entry.cli.import_printing import Imported, print_imported
from casino_club.entry.cli.opening import MISUSED, WRONG, give_up, run
from casino_club.entry.cli.printing import AsJson, moment, note, print_json, utc_now
from casino_club.entry.cli.progress import row_bar
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.wiring import Platform, load_tracking_plan, open_platform
from casino_club.features.actions.commands.imports import Importing, Judge
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.import_report import ImportReport
from casino_club.features.actions.rules.mapping import (
    OF_THE_LOG,
    FieldMapping,
    Mapper,
    fault_in_columns,
    fault_in_mapping,
)
from casino_club.features.actions.rules.moment import of_history
from casino_club.features.actions.rules.plan import Checks, open_to_services
from casino_club.infra.audit import deeds
from casino_club.infra.backends.refused_rows import RefusedRows
from casino_club.infra.backends.sources import digest_of, open_source
from casino_club.infra.db.database import Db
from casino_club.infra.http import service_keys
from casino_club.infra.log import imports
from casino_club.infra.log.imports import FileOf, Import
from casino_club.infra.memory import settle_memory
from casino_club.infra.ports import SourceFile, SourceUnreadable
from casino_club.infra.settings import Settings
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import OPERATOR, Scope, ServiceSubject

CHUNK_ROWS = 10_000
"""Rows of one transaction."""

CUT = "Interrupted: what was done stays, and the same command goes on behind it."
CUT_DRY = "Interrupted: nothing was written."

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON lines or Parquet; .gz as well.")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field, metadata.NAME among them."),
]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", metavar="TOML", help="A file that says more; see docs/imports.md.")
]
Source = Annotated[str, typer.Option("--source", help="Whose ids these are: the name of a service key, or a new name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would become of the rows, and write nothing.")]
RefusedTo = Annotated[
    Path | None,
    typer.Option("--refused-to", metavar="FOLDER", help="Where refused rows go; beside each file if absent."),
]
Again = Annotated[bool, typer.Option("--again", help="Begin at the first line even if it was read before.")]


class OtherMapping(Refused):
    """An import goes on as it was begun."""

    code = "import_mapping_changed"
    kind = Kind.CONFLICT


class FileChanged(Refused):
    """What was begun can't be gone on with."""

    code = "import_file_changed"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Order:
    """What the operator asked for."""

    mapping: FieldMapping
    source: str
    refused_to: Path | None
    is_dry_run: bool
    is_again: bool
    shows_bar: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """One file, ready to be read."""

    path: Path
    file: SourceFile
    digest: bytes
    mapping: FieldMapping
    order: Order

    @property
    def mapping_digest(self) -> bytes:
        return hashlib.sha256(msgspec.json.encode(self.mapping)).digest()

    @property
    def refused_path(self) -> Path:
        return (self.order.refused_to or self.path.parent) / f"{self.path.name}.refused.jsonl"


def import_(
    files: Files,
    map_: Map = None,
    mapping: MappingFile = None,
    source: Source = "import",
    dry_run: DryRun = False,
    refused_to: RefusedTo = None,
    again: Again = False,
    as_json: AsJson = False,
) -> None:
    """Load history into the log. Checked as what senders send is, but as old as it may be. Cut anywhere, call it again.

    Ends with 1 if rows were refused; they are in a file beside the imported one, with their lines and reasons.
    """
    chosen = read_mapping(mapping, map_ or ())
    order = Order(chosen, source, refused_to, is_dry_run=dry_run, is_again=again, shows_bar=not as_json)
    settings = read_settings()
    try:
        imported = run(_import_all(settings, files, order), if_interrupted=CUT_DRY if dry_run else CUT)
    except SourceUnreadable as fault:
        give_up(str(fault))
    if as_json:
        print_json([each.as_json() for each in imported])
    else:
        print_imported(imported)
    if any(each.report.refused_rows for each in imported):
        raise typer.Exit(WRONG)


def read_mapping(path: Path | None, pairs: Sequence[str]) -> FieldMapping:
    """The mapping file's, with what the command line says on top."""
    try:
        mapping = FieldMapping() if path is None else msgspec.convert(tomllib.loads(path.read_text()), FieldMapping)
    except OSError as error:
        give_up(f"--mapping {path} can't be read: {error.strerror}.", MISUSED)
    except ValueError as error:  # msgspec's and tomllib's errors are such
        give_up(f"--mapping {path}: {error}", MISUSED)
    columns = dict(mapping.columns)
    for pair in pairs:
        field, has_both, column = pair.partition("=")
        if not has_both or not column:
            give_up(f"--map {pair}: write FIELD=COLUMN, such as user_id=player.", MISUSED)
        columns[field] = column
    mapping = msgspec.structs.replace(mapping, columns=columns)
    if fault := fault_in_mapping(mapping):
        give_up(fault, MISUSED)
    return mapping


async def _import_all(settings: Settings, files: Sequence[Path], order: Order) -> list[Imported]:
    """Every file is looked at before the first is read."""
    sources = [(path, *_looked_at(path, order.mapping)) for path in files]
    async with open_platform(settings) as platform:
        settle_memory()
        imported = []
        for path, file, mapping in sources:
            with row_bar(f"read {path.name}", shows=order.shows_bar, unit="bytes") as moved:
                digest = digest_of(path, moved.to)
            imported.append(await _import_one(platform, Opened(path, file, digest, mapping, order)))
        return imported


def _looked_at(path: Path, given: FieldMapping) -> tuple[SourceFile, FieldMapping]:
    file = open_source(path, kind=given.format, delimiter=given.delimiter)
    more = OF_THE_LOG.ignore if file.is_of_the_log else ()
    mapping = msgspec.structs.replace(given, ignore=(*given.ignore, *more))
    if file.columns is not None and (fault := fault_in_columns(mapping, file.columns)):
        raise SourceUnreadable(f"{path}: {fault}")
    return file, mapping


async def _import_one(platform: Platform, opened: Opened) -> Imported:
    began = time.monotonic()
    async with platform.database.transaction() as db:
        namespace = await _namespace(db, opened.order)
        if not opened.order.is_dry_run:
            how: dict[str, str | bool] = {
                "file": opened.path.name,
                "sha256": opened.digest.hex(),
                "again": opened.order.is_again,
            }
            await deeds.note(db, OPERATOR, "import", f"source:{opened.order.source}", how, now=utc_now())
    policy = _policy(platform, is_of_the_log=opened.file.is_of_the_log, now=utc_now())
    subject = ServiceSubject(key_id=0, namespace=namespace, scopes=frozenset({Scope.ACTIONS_WRITE}))
    mapper = Mapper(opened.mapping, policy.checks)
    judge = Judge(mapper, subject, policy, opened.digest, opened.file.is_of_the_log)
    with _progress(opened) as shown:
        importing = Importing(judge, utc_now, shown)
        if opened.order.is_dry_run:
            await importing.foresee_all(platform.database, opened.file.blocks(rows_max=CHUNK_ROWS))
            return _imported(opened, importing.report, began)
        async with _held(platform, opened, namespace) as noted:
            if noted.ended_at is not None:
                note(f"{opened.path} was imported at {moment(noted.ended_at)}; --again reads it again.")
                known = msgspec.json.decode(noted.report, type=ImportReport)
                return _imported(opened, known, began, rows_before=known.rows)
            if noted.line:
                note(f"{opened.path}: goes on behind line {noted.line:,}.")
            with closing(RefusedRows(opened.refused_path, size=noted.refused_bytes)) as refused:
                blocks = opened.file.blocks(after_line=noted.line, rows_max=CHUNK_ROWS)
                await importing.record_all(platform.log, blocks, noted=noted, refused=refused)
        rows_before = msgspec.json.decode(noted.report, type=ImportReport).rows if noted.report else 0
    return _imported(opened, importing.report, began, rows_before=rows_before)


async def _namespace(db: Db, order: Order) -> int:
    """That of the service key of this name. A new name gets a key that opens nothing and that nobody holds."""
    known = await service_keys.namespace_named(db, order.source)
    if known is not None or order.is_dry_run:
        return known or 0
    key, _ = await service_keys.create(db, order.source, frozenset(), now=utc_now())
    return key.namespace


def _policy(platform: Platform, *, is_of_the_log: bool, now: datetime) -> ActionPolicy:
    policy: ActionPolicy = platform.policies[ActionPolicy]
    plan = load_tracking_plan(platform.settings.tracking_plan)
    checks = Checks(open_to_services(plan) if is_of_the_log else plan)
    return policy._replace(checks=checks, moment=of_history(policy.moment, now))


@asynccontextmanager
async def _held(platform: Platform, opened: Opened, namespace: int) -> AsyncIterator[Import]:
    """This import and no other of the file, begun or gone on with."""
    which = FileOf(namespace, opened.digest)
    async with platform.database.connection() as db:
        await imports.hold(db, which)
        try:
            noted = None if opened.order.is_again else await imports.find(db, which)
            if noted is None:
                await _check_unchanged(db, opened, which)
            if noted is not None and not noted.line:
                noted = None  # Nothing of it is in, so that any mapping may begin.
            if noted is not None and noted.mapping_digest != opened.mapping_digest and noted.ended_at is None:
                raise OtherMapping(
                    f"The import of {opened.path} was begun with another mapping; go on with that, or begin --again."
                )
            yield noted or await imports.begin(
                db, which, mapping_digest=opened.mapping_digest, file=str(opened.path), now=utc_now()
            )
        finally:
            if not db.is_closed():
                await imports.let_go(db)


async def _check_unchanged(db: Db, opened: Opened, which: FileOf) -> None:
    """Rows without an id are known by their file: of one that was changed, those that are in would be doubled."""
    if opened.order.is_again:
        await imports.forget_cut(db, which, file=str(opened.path))
    elif cut := await imports.find_cut(db, which, file=str(opened.path)):
        raise FileChanged(
            f"{opened.path} has changed since it was imported up to line {cut.line:,}: rows without an id would come "
            "twice. Bring it back as it was and go on, or begin this one with --again."
        )


@contextmanager
def _progress(opened: Opened) -> Iterator[Callable[[ImportReport, float], None]]:
    verb = "check" if opened.order.is_dry_run else "import"
    with row_bar(f"{verb} {opened.path.name}", shows=opened.order.shows_bar) as moved:

        def shown(report: ImportReport, share: float) -> None:
            moved.to(report.rows, share=share)

        yield shown


def _imported(opened: Opened, report: ImportReport, began: float, *, rows_before: int = 0) -> Imported:
    has_refused = report.refused_rows and not opened.order.is_dry_run
    return Imported(
        str(opened.path),
        opened.order.source,
        opened.order.is_dry_run,
        report,
        str(opened.refused_path) if has_refused else None,
        time.monotonic() - began,
        rows_before,
    )
