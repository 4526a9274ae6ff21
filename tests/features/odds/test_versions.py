"""How tables become live: two people, a time, and a history that keeps everything."""

from datetime import timedelta

import pytest

from casino_club.features.odds.commands import versions
from casino_club.features.odds.commands.desk import live_or_refuse
from casino_club.features.odds.commands.reads import odds_for
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.store import versions as store
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Database
from casino_club.kernel.subject import UserSubject
from tests.builders import odds
from tests.builders.actions import NOON
from tests.builders.odds import a_table
from tests.features.odds.house import a_desk, drawn, make_live, seeded

MINA, JUN, SORA = (UserSubject(number) for number in (1, 2, 3))
HOUR = timedelta(hours=1)
OTHER = a_table(odds.prizes((1, [50, 40, 10])))


async def drafted(database: Database, table: OddsTable = OTHER, **more: object) -> int:
    wanted = {"live_at": NOON, "by": MINA, "now": NOON, **more}
    return (await database.run(lambda db: versions.draft(db, table, **wanted))).id  # type: ignore[arg-type]  # as above


async def approved_by_two(database: Database, version_id: int) -> None:
    async with database.transaction() as db:
        for person in (JUN, SORA):
            await versions.approve(db, version_id, by=person, now=NOON)


async def live_digest(database: Database, *, at: timedelta = timedelta()) -> str:
    async with database.connection() as db:
        return (await live_or_refuse(db, "trial", now=NOON + at)).digest


async def test_a_table_is_live_with_the_second_persons_approval(database: Database) -> None:
    await make_live(database, a_table(), now=NOON - HOUR)
    version_id = await drafted(database)

    await database.run(lambda db: versions.approve(db, version_id, by=MINA, now=NOON))
    before = await live_digest(database, at=HOUR)
    approved = await database.run(lambda db: versions.approve(db, version_id, by=JUN, now=NOON + HOUR))

    assert before == a_table().digest
    assert approved.live_from == NOON + HOUR
    assert await live_digest(database, at=HOUR) == OTHER.digest
    assert await live_digest(database) == a_table().digest


async def test_a_table_waits_for_its_time(database: Database) -> None:
    await make_live(database, a_table(), now=NOON - HOUR)
    version_id = await drafted(database, live_at=NOON + HOUR)
    await approved_by_two(database, version_id)

    assert await live_digest(database) == a_table().digest
    assert await live_digest(database, at=HOUR) == OTHER.digest


async def test_nobody_approves_twice_and_nothing_settled_is_approved(database: Database) -> None:
    version_id = await drafted(database)
    await database.run(lambda db: versions.approve(db, version_id, by=JUN, now=NOON))

    with pytest.raises(refusals.ApprovedAlready):
        await database.run(lambda db: versions.approve(db, version_id, by=JUN, now=NOON))
    await database.run(lambda db: versions.withdraw(db, version_id, by=MINA, now=NOON))
    with pytest.raises(refusals.VersionSettled):
        await database.run(lambda db: versions.approve(db, version_id, by=SORA, now=NOON))
    with pytest.raises(refusals.VersionMissing):
        await database.run(lambda db: versions.approve(db, 99, by=SORA, now=NOON))


async def test_a_draft_proposed_twice_is_one_draft(database: Database) -> None:
    assert await drafted(database) == await drafted(database, by=JUN)


async def test_pity_is_carried_into_the_next_table(database: Database) -> None:
    never = odds.prizes((10, [1, 1, 0]), (1, [0, 0, 1]), resets=["legendary"])
    shorter = a_table(odds.prizes((2, [1, 1, 0]), (1, [0, 0, 1]), resets=["legendary"]))
    await make_live(database, a_table(never), now=NOON - HOUR)
    desk = a_desk()
    await seeded(database, desk, 7)
    for _ in range(5):
        await drawn(database, desk, "trial", 7)
    version_id = await drafted(database, shorter)
    await approved_by_two(database, version_id)

    result = await drawn(database, desk, "trial", 7)

    assert (result.digest, result.state, result.outcome.name) == (shorter.digest, 2, "star")


async def test_every_deed_is_in_the_audit(database: Database) -> None:
    version_id = await drafted(database)
    await database.run(lambda db: versions.approve(db, version_id, by=JUN, now=NOON))
    await database.run(lambda db: versions.approve(db, version_id, by=SORA, now=NOON))
    await database.run(lambda db: versions.pause(db, "trial", because="looks odd", by=JUN, now=NOON))
    await database.run(lambda db: versions.resume(db, "trial", because="was a hoax", by=SORA, now=NOON))
    withdrawn = await drafted(database, a_table())
    await database.run(lambda db: versions.withdraw(db, withdrawn, by=MINA, now=NOON))

    async with database.connection() as db:
        found = await deeds.listed(db, limit=20)
    assert [(deed.verb, deed.actor) for deed in reversed(found)] == [
        ("draft_odds", "user:1"),
        ("approve_odds", "user:2"),
        ("approve_odds", "user:3"),
        ("pause_odds", "user:2"),
        ("resume_odds", "user:3"),
        ("draft_odds", "user:1"),
        ("withdraw_odds", "user:1"),
    ]


async def test_a_product_that_rests_draws_nothing(database: Database) -> None:
    await make_live(database, a_table())
    desk = a_desk()
    await seeded(database, desk, 7)
    await database.run(lambda db: versions.pause(db, "trial", because="looks odd", by=JUN, now=NOON))

    with pytest.raises(refusals.ProductPaused):
        await drawn(database, desk, "trial", 7)
    await database.run(lambda db: versions.resume(db, "trial", because="was a hoax", by=SORA, now=NOON))

    assert (await drawn(database, desk, "trial", 7)).nonce == 1


async def test_what_ships_becomes_live_once_and_gives_way_to_the_operators(database: Database) -> None:
    shipped = await database.run(lambda db: versions.ship(db, shipped_tables(), now=NOON))
    again = await database.run(lambda db: versions.ship(db, shipped_tables(), now=NOON))

    assert shipped == ["gacha-constellation", "gacha-gallery", "rps-ai", "roulette-european", "slot-orchard"]
    assert again == []
    desk = a_desk()
    async with database.connection() as db:
        assert [live.product for live in await store.all_live(db, now=NOON)] == sorted(shipped)
        assert (await odds_for(db, desk, "rps-ai", 7, now=NOON)).odds.hit_rate is not None
