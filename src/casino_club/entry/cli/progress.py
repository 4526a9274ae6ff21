"""A bar for work over rows: how many, how fast, and how long it still takes. Shown to terminals only."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Moved:
    """Told how far the work is."""

    def __init__(self, bar: Progress, unit: str) -> None:
        self._bar, self._unit = bar, unit
        self._task = bar.add_task("", total=1.0, start=True)
        self._rows = 0
        self._first: int | None = None

    def to(self, rows: int, *, share: float) -> None:
        """So many rows are done, which is this share of the work."""
        first = self._first = rows if self._first is None else self._first
        seconds = self._bar.tasks[0].elapsed or 0.0
        speed = f" · {(rows - first) / seconds:,.0f}/s" if seconds and rows > first else ""
        self._bar.update(self._task, completed=share, description=f"{rows:,} {self._unit}{speed}")


@contextmanager
def row_bar(what: str, *, shows: bool, unit: str = "rows") -> Iterator[Moved]:
    """A bar until the block ends."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shows and console.is_terminal)) as bar:
        yield Moved(bar, unit)
