"""Exports: asked for by the user, gathered by a worker, fetched by the user alone until they expire."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from uuid import UUID

from casino_club.features.identity import public as identity
from casino_club.features.privacy.commands.gathering import Bounded, gather
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.rules.exports import PAUSE, TRIES_MAX, Export
from casino_club.features.privacy.rules.refusals import ExportMissing, ExportTooLarge, ExportTooSoon
from casino_club.features.privacy.store import exports
from casino_club.infra.db.database import Db
from casino_club.infra.log.effects import AWAY
from casino_club.infra.tickets import new_ticket
from casino_club.kernel.errors import Refused, Unavailable
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import UserSubject

logger = logging.getLogger(__name__)

PART_BYTES = 4 * 1024 * 1024
ARCHIVE_BYTES_MAX = 64 * 1024 * 1024
_BEFORE_ALL = UUID(int=0)


async def ask(office: Office, subject: UserSubject, *, password: str | None, code: str | None, now: datetime) -> Export:
    """Ask for an archive of all that is kept of oneself. A stolen access token alone does not get that far."""
    await identity.prove(office.desk, subject, password=password, code=code, now=now)
    return await office.database.run(partial(_add, subject=subject, now=now))


async def _add(db: Db, subject: UserSubject, *, now: datetime) -> Export:
    known = await exports.export_of(db, subject)
    if known is not None and known.ready_at is not None and now < known.ready_at + PAUSE:
        raise ExportTooSoon(max(1, round((known.ready_at + PAUSE - now).total_seconds())))
    return await exports.add_export(db, subject, derived_uuid("export", new_ticket()), now=now)


async def read(db: Db, subject: UserSubject) -> Export:
    """How one's own export stands."""
    export = await exports.export_of(db, subject)
    if export is None:
        raise ExportMissing
    return export


async def fetch(db: Db, office: Office, subject: UserSubject, *, now: datetime) -> bytes:
    """One's own archive, opened. Raises `ExportMissing` once it has expired."""
    export = await read(db, subject)
    if not export.is_shown(now):
        raise ExportMissing
    key = await identity.key_of(db, subject, subject.user_id, vault=office.desk.vault)
    parts = exports.parts_of(db, subject, export.id)
    return b"".join([key.open_bytes(_place(export, place), part) async for place, part in _numbered(parts)])


async def gather_asked(office: Office, *, now: datetime) -> int:
    """Gather every export that is asked for; how many are ready now."""
    done, after_id = 0, _BEFORE_ALL
    while True:
        export = await office.database.run(partial(exports.next_asked, after_id=after_id))
        if export is None:
            return done
        done += await _gather(office, export, now=now)
        after_id = export.id


async def _gather(office: Office, export: Export, *, now: datetime) -> bool:
    extra = {"export": str(export.id), "user": export.user_id}
    try:
        is_kept = await _gather_and_keep(office, export, now=now)
    except (*AWAY, Unavailable) as away:
        logger.warning("export waits", extra={**extra, "reason": repr(away)})
        if export.tries >= TRIES_MAX:
            code = away.code if isinstance(away, Refused) else Unavailable.code
            await office.database.run(partial(exports.fail, export_id=export.id, error_code=code))
        return False
    except Refused as refused:
        await office.database.run(partial(exports.fail, export_id=export.id, error_code=refused.code))
        return False
    logger.info("export gathered", extra=extra)
    return is_kept


async def _gather_and_keep(office: Office, export: Export, *, now: datetime) -> bool:
    subject = UserSubject(export.user_id)
    async with office.database.connection() as db:
        key = await identity.key_of(db, subject, export.user_id, vault=office.desk.vault)

    async def report(progress: str) -> None:
        await office.database.run(partial(exports.show_progress, export_id=export.id, progress=progress))

    content = Bounded(ARCHIVE_BYTES_MAX, ExportTooLarge())
    await gather(office.reach, office.exporters, export.user_id, content, report=report)
    archive = content.getvalue()
    parts = [archive[at : at + PART_BYTES] for at in range(0, len(archive), PART_BYTES)]
    sealed = [key.seal_bytes(_place(export, place), part) for place, part in enumerate(parts)]

    keep = partial(exports.save_parts, export_id=export.id, parts=sealed, size_bytes=len(archive))
    return await office.database.run(partial(keep, expires_at=now + office.export_lasts, now=now))


def _place(export: Export, number: int) -> str:
    return f"export {export.id} {number}"


async def _numbered(parts: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    number = 0
    async for part in parts:
        yield number, part
        number += 1
