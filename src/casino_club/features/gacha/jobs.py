"""What this slice does when somebody goes, or wants to have what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial

import msgspec

from casino_club.features.gacha import store
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

HANDED_AT_ONCE = 200

OPENINGS = kept(
    "openings",
    about="Openings of gachas: they know users by number, and tie draws to the gems that were spent on them.",
)


@erase("gacha", about="When the user last opened which gacha, and when they could open one again.")
async def erase_gacha(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(partial(store.forget_user, user_id=erased.user_id))


@export(
    "gacha_openings",
    about="Your openings of gachas, newest first: what they cost, and what each pull gave.",
    about_ko="뽑기 기록, 최신순: 사용한 젬과 각 뽑기에서 나온 것.",
)
async def export_openings(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await store.openings_of(db, user_id, product=None, before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            yield msgspec.to_builtins(asdict(each))
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1].id
