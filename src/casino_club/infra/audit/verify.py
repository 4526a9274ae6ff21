"""Walks through all deeds and says where their chain is broken, if it is."""

from dataclasses import dataclass
from typing import Final

from casino_club.infra.audit.chain import BEFORE_THE_FIRST, Deed, hash_of
from casino_club.infra.audit.deeds import following
from casino_club.infra.db.database import Db

PAGE_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many deeds hang together, the last one's hash, and what is wrong with the next, if anything is.

    Who can rewrite the whole table can rewrite all hashes, or leave out the last deeds: keep `deeds` and `hash`
    elsewhere, and have them compared.
    """

    deeds: int
    hash: str
    fault: str | None


async def verify(db: Db, *, known: tuple[int, str] | None = None) -> Verdict:
    """Check every deed; `known` is a number of deeds and a hash that an earlier verdict gave."""
    last_id, previous, fault = 0, BEFORE_THE_FIRST, None
    has_met_known = known is None or known[0] == 0
    while fault is None and (page := await following(db, after_id=last_id, limit=PAGE_ROWS)):
        for deed, kept in page:
            fault = _fault(deed, kept, previous, after_id=last_id)
            if fault is None and known is not None and deed.id == known[0]:
                has_met_known = True
                fault = None if kept.hex() == known[1] else f"Deed {deed.id} is another than the one that was known."
            if fault is not None:
                break
            last_id, previous = deed.id, kept
    if fault is None and not has_met_known and known is not None:
        fault = f"Deed {known[0]} was known and is missing; the last one is {last_id}."
    return Verdict(last_id, previous.hex(), fault)


def _fault(deed: Deed, kept: bytes, previous: bytes, *, after_id: int) -> str | None:
    if deed.id != after_id + 1:
        return f"Deed {after_id + 1} is missing."
    if hash_of(deed, previous) != kept:
        return f"Deed {deed.id} was changed, or one before it."
    return None
