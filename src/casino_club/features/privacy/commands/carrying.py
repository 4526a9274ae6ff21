"""Carrying erasures out. Each begins in one transaction, which ends the user's sessions and their rows in the log.

Everything after that may be cut anywhere and is done again: every store is asked until it has confirmed.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.identity import public as identity
from casino_club.features.privacy.commands.journaling import missed_changes
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.events import UserErased
from casino_club.features.privacy.rules.erasures import JOURNAL, Erasure, ErasureState
from casino_club.features.privacy.rules.refusals import ErasureTakenBack
from casino_club.features.privacy.store import erasures as store
from casino_club.infra.db.database import Db
from casino_club.infra.log.effects import AWAY
from casino_club.infra.ports import Unusable
from casino_club.infra.privacy.doors import Erased, Eraser, NotYet, Reach
from casino_club.infra.privacy.journal import Change, Entry
from casino_club.kernel.errors import Unavailable
from casino_club.kernel.ids import derived_uuid

logger = logging.getLogger(__name__)

PAGE_ERASURES = 100
LATER = (*AWAY, NotYet, Unavailable, Unusable)
"""A store is away, or not ready to let go: it is asked again."""
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class EraserFailed(Exception):
    """An eraser failed in a way that nobody expected; what it said is in the log."""


async def carry_out_due(office: Office, *, now: datetime) -> int:
    """Go on with every erasure that is due; how many are done now. Raises EraserFailed once all have had a turn."""
    after, done, failures = _BEFORE_ALL, 0, 0
    while True:
        async with office.database.connection() as db:
            page = await store.due(db, now=now, after=after, limit=PAGE_ERASURES)
        if not page:
            break
        for erasure in page:
            is_done, failed = await carry_out(office, erasure, now=now)
            done, failures = done + is_done, failures + failed
        after = (page[-1].due_at, page[-1].id)
    if failures:
        raise EraserFailed(f"{failures} failed")
    return done


async def carry_out(office: Office, erasure: Erasure, *, now: datetime) -> tuple[bool, int]:
    """Begin it if need be and ask all who have yet to confirm: whether it is done, and how many failed."""
    try:
        erased = await office.database.run(partial(_begin, office=office, erasure=erasure, now=now))
    except ErasureTakenBack:
        return False, 0
    async with office.database.connection() as db:
        confirmed = await store.confirmed(db, erasure.id)
    asked = [each for each in (_journal_keeper(office, erasure), *office.erasers) if each.name not in confirmed]
    failed = [await _confirm(office, erasure.id, erased, each, now=now) for each in asked]

    is_done = await office.database.run(
        partial(store.settle, erasure_id=erasure.id, stores=office.stores, now=now),
    )
    if is_done:
        logger.info("user erased", extra={"erasure": str(erasure.id), "user": erasure.user_id})
    return is_done, sum(failed)


async def _begin(db: Db, office: Office, erasure: Erasure, *, now: datetime) -> Erased:
    if erasure.row_id is not None:
        return Erased(erasure.user_id, erasure.row_id, now)
    cause = derived_uuid("privacy", "erased", str(erasure.id))
    row_id = await actions.append(db, UserErased(erasure.user_id), at=now, policy=office.desk.actions, cause=cause)

    await actions.close_user(db, erasure.user_id, at=now)
    await identity.end_sessions(db, erasure.user_id, because="erased", now=now)
    if not await store.begin(db, erasure.id, row_id=row_id, now=now):
        raise ErasureTakenBack
    return Erased(erasure.user_id, row_id, now)


async def _confirm(office: Office, erasure_id: UUID, erased: Erased, eraser: Eraser, *, now: datetime) -> bool:
    """Ask one eraser and write its answer down; True if it failed for no reason that time mends."""
    extra = {"eraser": eraser.name, "user": erased.user_id}
    try:
        await eraser.run(office.reach, erased)
    except LATER as later:
        logger.warning("erasure waits", extra={**extra, "reason": repr(later)})
        return False
    except Exception as failure:
        # Other stores, and other people, must not wait for it.
        logger.error("eraser failed", extra={**extra, "reason": type(failure).__name__}, exc_info=failure)
        return True
    await office.database.run(partial(store.confirm, erasure_id=erasure_id, store=eraser.name, now=now))
    return False


def _journal_keeper(office: Office, erasure: Erasure) -> Eraser:
    """Who sees to it that a restored dump will be told."""

    async def run(_: Reach, __: Erased) -> None:
        await _note(office, erasure, Change.BEGUN)

    return Eraser(JOURNAL, "That the user is gone, for whoever restores a dump.", run)


async def _note(office: Office, erasure: Erasure, change: Change) -> None:
    code = erasure.receipt_digest.hex() if erasure.receipt_digest else None
    entry = Entry(erasure.id, erasure.user_id, change, erasure.asked_at, erasure.due_at, code)
    await asyncio.to_thread(office.journal.note, entry)
    await office.database.run(partial(store.note, erasure_id=erasure.id, change=change))


async def keep_journal(office: Office) -> None:
    """Tell the journal of every change that it has not been told of."""
    while True:
        async with office.database.connection() as db:
            page = await store.unnoted(db, limit=PAGE_ERASURES)
        for erasure in page:
            change = Change.BEGUN if erasure.state is ErasureState.DONE else Change(erasure.state)
            await _note(office, erasure, change)
        if len(page) < PAGE_ERASURES:
            return


async def catch_up_with_journal(office: Office, *, now: datetime) -> int:
    """Tell a database that was restored from a dump what it has missed: how many users have to be erased again."""
    missed = await missed_changes(office.database, office.journal)
    if missed:
        await office.database.run(partial(_catch_up, missed=missed, now=now))
    return sum(entry.change is Change.BEGUN for entry in missed)


async def _catch_up(db: Db, missed: Iterable[Entry], *, now: datetime) -> None:
    # Who took one back may have asked again, and has one at a time.
    for entry in sorted(missed, key=lambda entry: entry.change is not Change.TAKEN_BACK):
        await store.restore(
            db,
            entry.id,
            entry.user_id,
            state=ErasureState.TAKEN_BACK if entry.change is Change.TAKEN_BACK else ErasureState.ASKED,
            receipt_digest=bytes.fromhex(entry.code) if entry.code else None,
            asked_at=entry.asked_at,
            due_at=now if entry.change is Change.BEGUN else entry.due_at,
            noted=entry.change,
        )
        await identity.pass_over(db, entry.user_id)
