"""Catalogues become live by two people, from an instant on; they are kept as they were, and so are their promises."""

from datetime import datetime
from functools import partial

import asyncpg
import pytest

from casino_club.features.shop.commands import publishing
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.catalogue import Catalogue
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.features.shop.rules.versions import Version
from casino_club.infra.db.database import Database
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import NOON
from tests.features.shop.counter import DAY, MINUTE, Counter, items, open_counter

ONE, OTHER = UserSubject(1_000), UserSubject(1_001)
SALE = {"id": "weekend", "price": {"krw": 4_000}, "goods": {"paid_gems": 80}}


async def drafted(
    counter: Counter, catalogue: Catalogue, *, live_at: datetime | None = None, now: datetime = NOON
) -> Version:
    return await counter.run(lambda db: publishing.draft(db, catalogue, live_at=live_at, by=ONE, now=now))


async def approved(counter: Counter, version: Version, *, now: datetime = NOON) -> Version:
    for by in (ONE, OTHER):
        version = await counter.run(partial(publishing.approve, version_id=version.id, by=by, now=now))
    return version


async def live(counter: Counter, now: datetime) -> str:
    async with counter.database.connection() as db:
        return (await counter.desk.live(db, now=now)).digest


async def test_two_people_make_a_catalogue_live_at_its_time(counter: Counter) -> None:
    new, before = items(SALE), await live(counter, NOON)
    draft = await drafted(counter, new, live_at=NOON + DAY)

    first = await counter.run(lambda db: publishing.approve(db, draft.id, by=ONE, now=NOON))
    with pytest.raises(refusals.ApprovedAlready):
        await counter.run(lambda db: publishing.approve(db, draft.id, by=ONE, now=NOON))
    second = await counter.run(lambda db: publishing.approve(db, draft.id, by=OTHER, now=NOON))

    assert (first.live_from, second.live_from) == (None, NOON + DAY)
    assert await live(counter, NOON + DAY - MINUTE) == before
    assert await live(counter, NOON + DAY) == new.digest


async def test_what_is_settled_can_be_neither_approved_nor_withdrawn(counter: Counter) -> None:
    gone = await drafted(counter, items(SALE))
    await counter.run(lambda db: publishing.withdraw(db, gone.id, by=OTHER, now=NOON))

    for attempt in (publishing.approve, publishing.withdraw):
        with pytest.raises(refusals.VersionSettled):
            await counter.run(partial(attempt, version_id=gone.id, by=ONE, now=NOON))
    assert await live(counter, NOON + DAY) == items().digest


async def test_a_sale_that_has_ended_is_offered_no_more(counter: Counter) -> None:
    ends = {"ends": "2026-11-22T00:00:00Z"}
    await approved(counter, await drafted(counter, items({**SALE, **ends})))

    for again in ({**SALE, "ends": "2026-11-25T00:00:00Z"}, SALE, {**SALE, "id": "weekend-again"}):
        with pytest.raises(refusals.SaleRepeated):
            await drafted(counter, items(again), now=NOON + 2 * DAY)


async def test_a_promise_made_after_a_draft_holds_against_it(counter: Counter) -> None:
    waiting = await drafted(counter, items({**SALE, "ends": "2026-12-01T00:00:00Z"}))
    await approved(counter, await drafted(counter, items({**SALE, "ends": "2026-11-22T00:00:00Z"})))

    with pytest.raises(refusals.SaleRepeated):
        await counter.run(lambda db: publishing.approve(db, waiting.id, by=ONE, now=NOON))


async def test_a_catalogue_is_kept_as_it_was(counter: Counter) -> None:
    for statement in ("UPDATE shop_catalogues SET canonical = ''", "DELETE FROM shop_approvals"):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with counter.database.transaction() as db:
                await db.execute(statement)


async def test_what_ships_gives_way_to_what_staff_have_drafted(database: Database) -> None:
    counter = await open_counter(database, catalogue=shipped_catalogue())

    assert not await counter.run(lambda db: publishing.ship(db, items(), now=NOON))
    assert await live(counter, NOON) == shipped_catalogue().digest


async def test_who_ordered_pays_and_gets_what_they_were_shown(counter: Counter) -> None:
    pending = await counter.buy("gems-100")
    other = {"id": "extra", "price": {"krw": 1}, "goods": {"paid_gems": 1}}
    await approved(counter, await drafted(counter, items(other)))

    with pytest.raises(refusals.CatalogueChanged):
        await counter.order("gems-100", catalogue=pending.catalogue)
    assert (await counter.kept(pending)).price_krw == 9_900
