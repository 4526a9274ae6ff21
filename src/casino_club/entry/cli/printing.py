"""What commands print: JSON for machines, tables for people, words for both."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

MEGABYTE = 1024 * 1024


def print_json(value: object) -> None:
    """One JSON document."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain)).decode())


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """A table as wide as the terminal, of which nothing is cut off; a sentence if there is nothing to show."""
    table = Table(*(Column(head, overflow="fold") for head in heads), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        Console(highlight=False, markup=False).print(table)
    else:
        typer.echo(empty)


def note(*lines: str) -> None:
    """Words for people, kept out of what a program would read. Above a bar, if one is shown."""
    for line in lines:
        sys.stderr.write(f"{line}\n")  # `typer.echo` finds its own way to the terminal, past the bar.


def moment(at: datetime | None) -> str:
    """An instant in this machine's time zone."""
    return "–" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def duration(seconds: float) -> str:
    """A length of time, in the largest unit that fits."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def several(number: int, one: str, more: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else more}"


def utc_now() -> datetime:
    return datetime.now(UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    raise NotImplementedError(type(value))
