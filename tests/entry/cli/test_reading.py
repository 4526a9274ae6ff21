"""What keeps a process from its work is one line; what is a fault of ours stays one."""

import asyncpg
import pytest
import typer

from casino_club.entry.cli.reading import complaints_for_people
from casino_club.infra.db.database import NO_SCHEMA
from casino_club.infra.ports import Unusable

NO_TABLE = asyncpg.UndefinedTableError('relation "log_positions" does not exist')


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Unusable("The port is taken."), "The port is taken."),
        (NO_TABLE, NO_SCHEMA),
        (ExceptionGroup("several", [NO_TABLE, ExceptionGroup("inside", [NO_TABLE])]), NO_SCHEMA),
    ],
)
def test_who_is_started_too_early_is_told_in_one_line(
    fault: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, complaints_for_people():
        raise fault

    assert (ended.value.exit_code, capsys.readouterr().err) == (1, f"{said}\n")


def test_what_failed_besides_is_not_hidden() -> None:
    with pytest.raises(ExceptionGroup), complaints_for_people():
        raise ExceptionGroup("several", [NO_TABLE, ValueError("ours")])
