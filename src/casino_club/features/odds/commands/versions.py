"""Tables on their way to being live: drafted, approved by two, withdrawn; and what ships with the platform."""

from collections.abc import Sequence
from datetime import datetime

from casino_club.features.odds.rules import versions as rules
from casino_club.features.odds.rules.refusals import ProductMissing
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.rules.versions import Version
from casino_club.features.odds.store import versions
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import Actor, UserSubject

SHIPPED = "shipped with the platform"


async def draft(db: Db, table: OddsTable, *, live_at: datetime | None, by: Actor, now: datetime) -> Version:
    """Propose a table. The same one proposed twice is one draft until it is settled."""
    await versions.keep_table(db, table, now=now)
    version_id = await versions.add_version(db, table, by=deeds.named(by), live_at=live_at, now=now)

    how = {"product": table.product, "digest": table.digest, "live_at": live_at.isoformat() if live_at else None}
    await deeds.note(db, by, "draft_odds", f"odds_version:{version_id}", how, now=now)
    return await versions.version_of(db, version_id)


async def approve(db: Db, version_id: int, *, by: UserSubject, now: datetime) -> Version:
    """Approve a draft. With the second approval, of another person, it is live from its time on."""
    version = await versions.version_of(db, version_id, is_locked=True)
    rules.may_approve(version, by.user_id)

    await versions.add_approval(db, version_id, by.user_id, now=now)
    if rules.is_approved((*version.approved_by, by.user_id)):
        await versions.settle_approved(db, version_id, live_from=rules.live_from(version, now), now=now)

    await deeds.note(db, by, "approve_odds", f"odds_version:{version_id}", {"digest": version.digest}, now=now)
    return await versions.version_of(db, version_id)


async def withdraw(db: Db, version_id: int, *, by: Actor, now: datetime) -> Version:
    """Give a draft up."""
    version = await versions.version_of(db, version_id, is_locked=True)
    rules.check_open(version)

    await versions.settle_withdrawn(db, version_id, now=now)

    await deeds.note(db, by, "withdraw_odds", f"odds_version:{version_id}", {"digest": version.digest}, now=now)
    return await versions.version_of(db, version_id)


async def pause(db: Db, product: str, *, because: str, by: Actor, now: datetime) -> None:
    """Let a product rest: draws are refused until somebody resumes it."""
    if await versions.pause(db, product, because=because, now=now):
        await deeds.note(db, by, "pause_odds", f"product:{product}", {"because": because}, now=now)
    elif await versions.live(db, product, now=now) is None:
        raise ProductMissing


async def resume(db: Db, product: str, *, because: str, by: Actor, now: datetime) -> None:
    """Let a product go on. Its draws are watched anew; what was counted before stays counted."""
    if await versions.resume(db, product):
        await deeds.note(db, by, "resume_odds", f"product:{product}", {"because": because}, now=now)
    elif await versions.live(db, product, now=now) is None:
        raise ProductMissing


async def ship(db: Db, tables: Sequence[OddsTable], *, now: datetime) -> list[str]:
    """Make tables live of whose products nothing was ever drafted: who installs the platform takes what it ships."""
    shipped = []
    for table in tables:
        if not await versions.has_versions(db, table.product):
            await versions.keep_table(db, table, now=now)
            version_id = await versions.add_version(db, table, by=SHIPPED, live_at=now, now=now)
            await versions.settle_approved(db, version_id, live_from=now, now=now)
            shipped.append(table.product)
    return shipped
