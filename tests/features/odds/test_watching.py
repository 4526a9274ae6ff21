"""The watch over real tables: each draw counted once, a fraud behind the page stopped, a trial compared by users."""

import json
from dataclasses import replace
from datetime import timedelta
from math import log10

import pytest

from casino_club.features.odds.commands import reads, trials, versions, watching
from casino_club.features.odds.commands.desk import OddsDesk, Shelf
from casino_club.features.odds.jobs import watch_odds
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.tables import table_of
from casino_club.features.odds.rules.trials import is_challenged
from casino_club.features.odds.rules.watch import BREACH
from casino_club.features.odds.store import watch
from casino_club.infra.db.database import Database
from casino_club.kernel.subject import UserSubject
from tests.builders import odds
from tests.builders.actions import NOON
from tests.builders.jobs import a_work
from tests.builders.odds import a_table
from tests.features.odds.house import a_desk, a_stake, drawn, make_live, seeded

MINA, JUN, SORA = (UserSubject(number) for number in (1, 2, 3))
HOUR = timedelta(hours=1)


async def look(database: Database) -> int:
    """As a worker looks, who reads tables for itself."""
    return await database.run(lambda db: watching.look(db, Shelf(), now=NOON))


async def draw_often(database: Database, desk: OddsDesk, product: str, times: int, user_id: int = 7) -> None:
    for _ in range(times):
        await drawn(database, desk, product, user_id)


async def test_each_draw_is_counted_once_and_shown_beside_what_is_declared(database: Database) -> None:
    await make_live(database, a_table(), a_table(odds.slot()))
    desk = a_desk()
    await seeded(database, desk, 7)
    await draw_often(database, desk, "trial", 30)
    await drawn(database, desk, "small-slot", 7, **a_stake("spin"))

    counted = [await look(database), await look(database)]

    async with database.connection() as db:
        page = await reads.observed(db, desk, "trial", now=NOON)
        [slot, trial] = await watch.standings(db)
        assert await watch.unwatched(db) == 0
    assert counted == [31, 0]
    assert page.draws == 30
    assert sum(each.came for each in page.seen) == 30
    assert [str(each.declared) for each in page.seen] == ["9/10", "9/100", "1/100"]
    assert (slot.product, trial.is_paused) == ("small-slot", False)
    assert trial.evidence_log10 < log10(BREACH)


async def test_honest_pity_is_left_alone(database: Database) -> None:
    await make_live(database, a_table(odds.with_pity()))
    desk = a_desk()
    for user_id in (7, 8):
        await seeded(database, desk, user_id)
        await draw_often(database, desk, "trial", 30, user_id)
        await look(database)

    async with database.connection() as db:
        [trial] = await watch.standings(db)
    assert not trial.is_paused


async def test_an_engine_that_draws_from_another_table_is_stopped_and_stays_so_until_staff_resume(
    database: Database,
) -> None:
    published = a_table(odds.prizes((1, [50, 40, 10])))
    other = json.loads(published.text)
    other["phases"][0]["weights"] = [60, 40, 0]
    await make_live(database, published)
    desk = a_desk()
    desk.shelf.tables[published.digest] = replace(table_of(other), digest=published.digest)
    await seeded(database, desk, 7)

    await draw_often(database, desk, "trial", 400)
    await watch_odds.run(a_work(database, policies={Shelf: Shelf()}))

    with pytest.raises(refusals.ProductPaused):
        await drawn(database, desk, "trial", 7)
    async with database.connection() as db:
        page = await reads.published(db, a_desk(), "trial", now=NOON)
    assert (page.live.paused_because or "").startswith("Draws are not what the table says: evidence of 10^")
    await database.run(lambda db: versions.resume(db, "trial", because="mended", by=JUN, now=NOON))
    await drawn(database, a_desk(), "trial", 7)
    await look(database)
    async with database.connection() as db:
        page = await reads.published(db, a_desk(), "trial", now=NOON)
    assert page.live.paused_at is None


async def test_a_user_whose_pity_is_forgotten_is_noticed(database: Database) -> None:
    await make_live(database, a_table(odds.with_pity()))
    desk = a_desk()
    await seeded(database, desk, 7)
    await drawn(database, desk, "trial", 7)
    async with database.transaction() as db:
        await db.execute("UPDATE odds_states SET state = 0")
    await drawn(database, desk, "trial", 7)

    await look(database)

    async with database.connection() as db:
        [trial] = await watch.standings(db)
    assert trial.is_paused


async def test_a_trial_splits_users_and_compares_them_one_by_one(database: Database) -> None:
    challenger = a_table(odds.prizes((1, [10, 80, 10])))
    await make_live(database, a_table(), now=NOON - HOUR)
    desk = a_desk()
    async with database.transaction() as db:
        version = await versions.draft(db, challenger, live_at=None, by=MINA, now=NOON)
    with pytest.raises(refusals.VersionNotApproved):
        await database.run(lambda db: trials.begin(db, version.id, share_permille=500, by=JUN, now=NOON))
    async with database.transaction() as db:
        for person in (JUN, SORA):
            await versions.approve(db, version.id, by=person, now=NOON)
        trial = await trials.begin(db, version.id, share_permille=500, by=JUN, now=NOON)
    with pytest.raises(refusals.TrialRuns):
        await database.run(lambda db: trials.begin(db, version.id, share_permille=500, by=JUN, now=NOON))

    used = {}
    for user_id in range(1, 21):
        await seeded(database, desk, user_id)
        used[user_id] = (await drawn(database, desk, "trial", user_id)).digest
    await draw_often(database, desk, "trial", 9, 1)
    ended = await database.run(lambda db: trials.end(db, trial.id, by=JUN, now=NOON + HOUR))

    for user_id, digest in used.items():
        is_chosen = is_challenged(trial.id, user_id, share_permille=500)
        assert digest == (challenger.digest if is_chosen else a_table().digest)
    async with database.connection() as db:
        _, figures = await trials.compare(db, trial.id, now=NOON + HOUR)
    assert ended.ended_at == NOON + HOUR
    assert [figure.figure for figure in figures] == ["draws", "staked", "returned_share"]
    assert figures[0].live.users + figures[0].challenger.users == 20
    assert figures[0].live.total + figures[0].challenger.total == 29
    assert figures[0].difference.low is None
    assert (await drawn(database, desk, "trial", 1)).digest == a_table().digest
    with pytest.raises(refusals.TrialMissing):
        await database.run(lambda db: trials.end(db, trial.id, by=JUN, now=NOON))
