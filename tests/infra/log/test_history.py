"""All that the log holds of one user: what lies in files, then what lies in the table, nothing twice, nobody else's."""

from pathlib import Path

import pytest

from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database
from casino_club.infra.log.detached import FilesMissing
from casino_club.infra.log.history import rows_of
from tests.builders.actions import NOON
from tests.infra.log.archiving import USERS, an_archive, append, logged

FILES = ["user_actions_from_1.parquet"]


async def test_a_users_rows_come_from_files_and_table_once_each_and_alone(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    before = await logged(database)
    await an_archive(database, tmp_path).run(now=NOON)
    assert len(await logged(database)) < len(before)

    found = [row async for page in rows_of(database, LogFiles(tmp_path), 7) for row in page]

    assert found == [row for row in before if row.user_id == 7]
    assert len(found) > 3_500 // USERS - 2


async def test_a_file_that_is_gone_is_said_rather_than_left_out(database: Database, tmp_path: Path) -> None:
    await append(database, 3_500)
    await an_archive(database, tmp_path).run(now=NOON)
    (tmp_path / FILES[0]).unlink()

    with pytest.raises(FilesMissing):
        [page async for page in rows_of(database, LogFiles(tmp_path), 7)]
