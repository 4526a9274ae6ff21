"""Runs a command's work; whatever people may meet becomes one line and an exit code, never a traceback."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer
import uvloop

from casino_club.infra import runtime
from casino_club.infra.db.database import SERVER_AWAY, Database
from casino_club.infra.ports import HotStoreAway, Unusable
from casino_club.infra.settings import Settings
from casino_club.kernel.errors import Refused

T = TypeVar("T")

DATABASE_FAULTS = (
    *SERVER_AWAY,
    OSError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
)
"""Why a database may be of no use to a command, apart from bugs of ours."""

WRONG, MISUSED = 1, 2
"""Exit codes: something is wrong, or the command was called wrongly."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end."""
    try:
        return uvloop.run(work)
    except (Unusable, Refused, HotStoreAway, *DATABASE_FAULTS) as fault:
        give_up(sentence(fault))


def give_up(why: str, code: int = WRONG) -> NoReturn:
    """End the command with one line."""
    typer.echo(why, err=True)
    raise typer.Exit(code) from None


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database alone."""
    async with Database(runtime.database_url(settings), connections_max=settings.database_connections_max) as database:
        yield database


def sentence(fault: BaseException) -> str:
    """What went wrong and what to do about it. Addresses are left out: they hold passwords."""
    match fault:
        case Unusable():
            return str(fault)
        case Refused():
            return fault.message
        case HotStoreAway():
            return f"{fault}; run `casino-club up`, or check CASINO_CLUB_REDIS_URL."
        case asyncpg.UndefinedTableError():
            return "The database lacks this version's schema; run `casino-club migrate`."
    reason = (str(fault).splitlines() or [type(fault).__name__])[0]
    return f"PostgreSQL does not answer ({reason}); run `casino-club up`, or check CASINO_CLUB_DATABASE_URL."
