"""Runs a command's work; whatever people may meet becomes one line and an exit code, never a traceback."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import typer
import uvloop

from casino_club.entry.standing import DATABASE_FAULTS, sentence
from casino_club.infra import runtime
from casino_club.infra.db.database import Database
from casino_club.infra.ports import HotStoreAway, Unusable, WarehouseAway
from casino_club.infra.settings import Settings
from casino_club.kernel.errors import Refused

T = TypeVar("T")

WRONG, MISUSED, INTERRUPTED = 1, 2, 130
"""Exit codes: something is wrong, the command was called wrongly, or somebody pressed Ctrl-C."""


def run(work: Coroutine[Any, Any, T], *, if_interrupted: str = "Interrupted.") -> T:
    """Run it to its end. Who interrupts it is told what becomes of what was done."""
    try:
        return uvloop.run(work)
    except (Unusable, Refused, HotStoreAway, WarehouseAway, *DATABASE_FAULTS) as fault:
        give_up(sentence(fault))
    except KeyboardInterrupt:
        give_up(if_interrupted, INTERRUPTED)


def give_up(why: str, code: int = WRONG) -> NoReturn:
    """End the command with one line."""
    typer.echo(why, err=True)
    raise typer.Exit(code) from None


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database alone."""
    async with Database(runtime.database_url(settings), connections_max=settings.database_connections_max) as database:
        yield database
