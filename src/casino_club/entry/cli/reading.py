"""Reads the settings for a command; a bad one is a line for people, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import asyncpg
import typer
from pydantic import ValidationError

from casino_club.infra import machine
from casino_club.infra.db.database import NO_SCHEMA
from casino_club.infra.ports import Unusable
from casino_club.infra.settings import Settings


def read_settings() -> Settings:
    """Every command's first step."""
    try:
        return Settings()
    except ValidationError as error:
        for line in complaints(error):
            typer.echo(line, err=True)
        raise typer.Exit(2) from None


@contextmanager
def complaints_for_people() -> Iterator[None]:
    """What the machine can't do becomes one line and exit code 1."""
    try:
        yield
    except Unusable as error:
        _end_with(str(error))
    except asyncpg.UndefinedTableError:
        _end_with(NO_SCHEMA)
    except ExceptionGroup as several:
        if several.split(asyncpg.UndefinedTableError)[1] is not None:
            raise
        _end_with(NO_SCHEMA)


def _end_with(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(1) from None


def data_dir_of(settings: Settings) -> Path:
    return machine.absolute(settings.data_dir)


def complaints(error: ValidationError) -> list[str]:
    """One line per bad variable. Values are left out: they may be secrets."""
    found = [
        (".".join(str(part) for part in each["loc"]), each["msg"].removeprefix("Value error, "))
        for each in error.errors(include_input=False)
    ]
    return [f"CASINO_CLUB_{name.upper()}: {message}" if name else message for name, message in found]
