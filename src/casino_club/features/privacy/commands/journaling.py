"""What the journal knows and the database does not: it was restored from a dump. Imports little, since `up` asks it."""

import asyncio

from casino_club.features.privacy.rules.erasures import Erasure, ErasureState
from casino_club.features.privacy.store import erasures as store
from casino_club.infra.db.database import Database
from casino_club.infra.privacy.journal import Change, Entry, Journal


async def missed_changes(database: Database, journal: Journal) -> list[Entry]:
    """Changes that the database has not seen."""
    entries = await asyncio.to_thread(journal.latest)
    if not entries:
        return []
    async with database.connection() as db:
        known = await store.by_ids(db, list(entries))
    return [entry for entry in entries.values() if _is_missed(entry, known.get(entry.id))]


def _is_missed(entry: Entry, known: Erasure | None) -> bool:
    if known is None:
        return True
    match entry.change:
        case Change.ASKED:
            return False
        case Change.TAKEN_BACK:
            return known.state is ErasureState.ASKED
        case Change.BEGUN:
            return known.state in (ErasureState.ASKED, ErasureState.TAKEN_BACK)
