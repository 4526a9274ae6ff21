"""What this slice does when somebody goes, or wants to have what is theirs. Nothing here waits for the clock."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial

from casino_club.features.protection.store import consents, protections
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export

HANDED_AT_ONCE = 500


@erase("protection", about="Status, limits, counts and history of the user's protection, and their consents.")
async def erase_protection(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(partial(protections.forget_user, user_id=erased.user_id))


@export(
    "protection",
    about="How you are protected: status, limits, what is counted towards them, and every change of it, newest first.",
    about_ko="이용자 보호 설정: 상태, 한도, 집계된 사용량, 그리고 모든 변경 내역(최신순).",
)
async def export_protection(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    async with reach.stores.database.connection() as db:
        held, waiting = await protections.protection_of(db, user_id), await protections.raises_of(db, user_id)
    counts = held.counts
    yield {
        "status": held.standing.status.word,
        "until": held.standing.until,
        "return_at": held.standing.return_at,
        "limits": {limit.name: amount for limit, amount in held.caps.items()},
        "raises": {limit.name: asdict(each) for limit, each in waiting.items()},
        "counted": {limit.name: counted for limit, counted in counts.counted.items()},
        "reality_check_minutes": held.reality_minutes,
    }
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await protections.changes_of(db, user_id, before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            yield dict(each)
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1]["id"]


@export(
    "consents",
    about="What you have consented to and what not, and to which text, newest first.",
    about_ko="동의 및 철회 내역과 해당 문구의 버전, 최신순.",
)
async def export_consents(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await consents.history(db, user_id, before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            yield asdict(each)
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1].id
