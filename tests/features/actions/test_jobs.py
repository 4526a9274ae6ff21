"""Refused actions are kept as long as the policy says."""

from datetime import datetime, timedelta

from casino_club.features.actions.jobs import FORGOTTEN_AT_ONCE, forget_refused
from casino_club.features.actions.rules.refusals import RefusalPolicy
from casino_club.features.actions.store import refusals
from casino_club.infra.db.database import Database
from tests.builders.actions import NOON
from tests.builders.jobs import a_work


async def refuse(database: Database, count: int, *, at: datetime) -> None:
    row = refusals.RefusedRow(100, None, "invalid_action", "It is none.", "{}")
    async with database.transaction() as db:
        await refusals.keep_refused(db, [row] * count, now=at)


async def test_refused_actions_are_forgotten_after_so_many_days_however_many_they_are(database: Database) -> None:
    await refuse(database, 2 * FORGOTTEN_AT_ONCE + 1, at=NOON - timedelta(days=30, seconds=1))
    await refuse(database, 3, at=NOON - timedelta(days=30))

    await forget_refused.run(a_work(database, policies={RefusalPolicy: RefusalPolicy(keep_days=30)}))

    async with database.connection() as db:
        assert len(await refusals.refused(db, status="open", code=None, after_id=None, limit=10)) == 3
