"""`casino-club status`: what runs, how far each reader is, and what is wrong."""

from collections.abc import Iterator, Mapping

import typer

from casino_club.entry.cli.jobs import print_jobs
from casino_club.entry.cli.opening import WRONG, run
from casino_club.entry.cli.printing import MEGABYTE, AsJson, duration, moment, print_json, print_table, several
from casino_club.entry.cli.reading import read_settings
from casino_club.entry.standing import (
    DatabaseLook,
    HotLook,
    LogLook,
    Look,
    ProcessLook,
    described,
    look,
    nothing_runs,
    problems,
)
from casino_club.entry.warehouse_standing import WarehouseLook
from casino_club.infra.log import positions
from casino_club.infra.log.lag import ROWS_COUNTED_MAX, Lag

NOTHING_RUNS = "Nothing runs here; `casino-club up` starts everything."


def status(as_json: AsJson = False) -> None:
    """Show what runs, how far each reader of the log is, and what is wrong. Exit code 1 if anything is."""
    seen = run(look(read_settings()))
    wrong = problems(seen)
    if as_json:
        print_json(described(seen, wrong))
    else:
        _print(seen, wrong)
    if wrong:
        raise typer.Exit(WRONG)


def _print(seen: Look, wrong: list[str]) -> None:
    if nothing_runs(seen):
        typer.echo(f"{NOTHING_RUNS} ({seen.data_dir})")
    if seen.is_supervised:
        rows = [_process_row(each) for each in seen.processes]
        print_table(("Process", "State", "Pid", "Up", "Restarts", "Memory"), rows, empty="")
        typer.echo()
    for line in _server_lines(seen):
        typer.echo(line)
    if isinstance(seen.database, DatabaseLook):
        typer.echo(_ledger_line(seen.database.ledger))
    if seen.log:
        _print_log(seen.log)
        print_jobs(seen.jobs)
        typer.echo()
    for sentence in wrong:
        typer.secho(f"! {sentence}", fg="red")
    if not wrong:
        typer.secho("All is well.", fg="green")


def _server_lines(seen: Look) -> Iterator[str]:
    if isinstance(seen.database, DatabaseLook):
        yield f"PostgreSQL {seen.database.facts.version} answers in {seen.database.seconds * 1000:.2f} ms."
    if isinstance(seen.hot, HotLook):
        yield f"Redis {seen.hot.facts.version} answers in {seen.hot.seconds * 1000:.2f} ms."
    if isinstance(seen.warehouse, WarehouseLook):
        made = "has no tables yet" if seen.warehouse.generation is None else f"reads tables {seen.warehouse.generation}"
        yield f"The warehouse answers in {seen.warehouse.seconds * 1000:.2f} ms and {made}."


def _ledger_line(ledger: Mapping[str, int]) -> str:
    if not ledger:
        return "Nobody has checked the ledger yet; the job check_ledger does so every night."
    return f"The ledger was checked: {sum(map(bool, ledger.values()))} of {len(ledger)} invariants broken."


def _print_log(log: LogLook) -> None:
    room = log.room
    typer.echo(
        f"The log is at id {room.last_id:,} in {several(room.partitions, 'partition', 'partitions')}, "
        f"with room for {room.ids_ahead:,} more."
    )
    typer.echo(
        f"{several(sum(log.parked.values()), 'row', 'rows')} parked; "
        f"{several(log.refused_open, 'refused action', 'refused actions')} open."
    )
    typer.echo(f"{log.conservation.sentence}\n")
    rows = [_reader_row(each, log) for each in log.readers]
    print_table(("Reader", "Rows behind", "Seconds behind", "Moved", "Rebuilt"), rows, empty="No reader has begun yet.")
    typer.echo()


def _process_row(each: ProcessLook) -> tuple[str, ...]:
    seen, memory = each.seen, each.memory_bytes
    return (
        seen.name,
        seen.state,
        "–" if seen.pid is None else str(seen.pid),
        "–" if each.uptime_seconds is None else duration(each.uptime_seconds),
        str(seen.restarts),
        "–" if memory is None else f"{memory / MEGABYTE:.0f} MB",
    )


def _reader_row(reader: Lag, log: LogLook) -> tuple[str, ...]:
    rows = f"{reader.rows:,}" + (" or more" if reader.rows >= ROWS_COUNTED_MAX else "")
    at = log.rebuilds.get(reader.consumer) if reader.generation != positions.LIVE else None
    rebuilt = f"to id {at.at_id:,} of {at.last_id:,}" if at else "–"
    name = reader.consumer if reader.generation == positions.LIVE else f"{reader.consumer}, rebuilding"
    return name, rows, f"{reader.seconds:.1f}", moment(reader.moved_at), rebuilt
