"""Chunks of a file are judged ahead, and reach the log one after the other."""

from collections.abc import Sequence

import pytest

from casino_club.features.actions.commands.imports import Importing, Judge
from casino_club.features.actions.rules.mapping import FieldMapping, Mapper
from casino_club.infra.db.database import Database
from casino_club.infra.log import imports
from casino_club.infra.log.imports import FileOf
from casino_club.infra.ports import RefusedRow, SourceBlock
from tests.builders.actions import NOON, SERVICE, a_log, a_policy

FILE = FileOf(SERVICE.namespace, b"f" * 32)


class DiskFullOnce:
    """Takes the refused rows of every chunk but the second."""

    def __init__(self) -> None:
        self._chunks = 0

    def put(self, rows: Sequence[RefusedRow], *, behind: int) -> int:
        self._chunks += 1
        if self._chunks == 2:
            raise OSError("no space left")
        return behind


def block(*lines: int) -> SourceBlock:
    row = {"user_id": "7", "action_type": "VIEW_CONTENT", "action_timestamp": NOON.isoformat()}
    return SourceBlock([(line, row) for line in lines], lines[-1] / 10)


async def test_nothing_follows_a_chunk_that_failed(database: Database) -> None:
    policy = a_policy()
    importing = Importing(
        Judge(Mapper(FieldMapping(), policy.checks), SERVICE, policy, FILE.digest, is_of_the_log=False),
        lambda: NOON,
        lambda *_: None,
    )
    async with database.transaction() as db:
        noted = await imports.begin(db, FILE, mapping_digest=b"m", file="history.csv", now=NOON)

    blocks = [block(1, 2), block(3), block(4, 5), block(6)]

    with pytest.raises(OSError, match="no space left"):
        await importing.record_all(a_log(database), blocks, noted=noted, refused=DiskFullOnce())

    async with database.connection() as db:
        stored = await db.fetchval("SELECT count(*) FROM user_actions")
        found = await imports.find(db, FILE)
    assert found is not None
    assert (stored, found.line, found.ended_at) == (2, 2, None)
