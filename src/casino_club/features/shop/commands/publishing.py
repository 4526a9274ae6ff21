"""Catalogues on their way to being live: drafted, approved by two, withdrawn; and what ships with the platform."""

from datetime import datetime

from casino_club.features.shop.rules import versions as rules
from casino_club.features.shop.rules.catalogue import Catalogue, read_catalogue
from casino_club.features.shop.rules.deadlines import check_deadlines
from casino_club.features.shop.rules.versions import Version
from casino_club.features.shop.store import catalogues as store
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import Actor, UserSubject

SHIPPED = "shipped with the platform"


async def draft(db: Db, catalogue: Catalogue, *, live_at: datetime | None, by: Actor, now: datetime) -> Version:
    """Propose a catalogue. The same one proposed twice is one draft until it is settled. Raises `SaleRepeated`."""
    wanted_at = max(live_at or now, now)
    await _check_promises(db, catalogue, live_at=wanted_at)

    await store.keep(db, catalogue, now=now)
    version_id = await store.add_version(db, catalogue.digest, by=deeds.named(by), live_at=wanted_at, now=now)

    how = {"digest": catalogue.digest, "live_at": wanted_at.isoformat()}
    await deeds.note(db, by, "draft_catalogue_version", f"catalogue_version:{version_id}", how, now=now)
    return await store.version_of(db, version_id)


async def approve(db: Db, version_id: int, *, by: UserSubject, now: datetime) -> Version:
    """Approve a draft. With the second approval, of another person, it is live from its time on."""
    await store.lock_versions(db)
    version = await store.version_of(db, version_id)
    rules.may_approve(version, by.user_id)
    live_from = rules.live_from(version, now)
    await _check_promises(db, read_catalogue(await store.text_of(db, version.digest)), live_at=live_from)

    await store.add_approval(db, version_id, by.user_id, now=now)
    if rules.is_approved((*version.approved_by, by.user_id)):
        await store.settle_approved(db, version_id, live_from=live_from, now=now)

    await deeds.note(
        db, by, "approve_catalogue", f"catalogue_version:{version_id}", {"digest": version.digest}, now=now
    )
    return await store.version_of(db, version_id)


async def withdraw(db: Db, version_id: int, *, by: Actor, now: datetime) -> Version:
    """Give a draft up."""
    await store.lock_versions(db)
    version = await store.version_of(db, version_id)
    rules.check_open(version)

    await store.settle_withdrawn(db, version_id, now=now)

    how = {"digest": version.digest}
    await deeds.note(db, by, "withdraw_catalogue", f"catalogue_version:{version_id}", how, now=now)
    return await store.version_of(db, version_id)


async def ship(db: Db, catalogue: Catalogue, *, now: datetime) -> bool:
    """Make a catalogue live if nothing was ever drafted: who installs the platform takes what it ships."""
    if await store.has_versions(db):
        return False
    await store.keep(db, catalogue, now=now)
    version_id = await store.add_version(db, catalogue.digest, by=SHIPPED, live_at=now, now=now)
    await store.settle_approved(db, version_id, live_from=now, now=now)
    return True


async def _check_promises(db: Db, catalogue: Catalogue, *, live_at: datetime) -> None:
    before = [read_catalogue(await store.text_of(db, digest)) for digest in await store.published(db)]
    check_deadlines(catalogue, before, live_at=live_at)
