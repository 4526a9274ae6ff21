"""What this slice does when somebody goes, or wants to have what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial

from casino_club.features.games.store import rounds
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

HANDED_AT_ONCE = 500

ROUNDS = kept(
    "rounds",
    about="Rounds: they know users by number, and tie each draw to the transaction of the ledger that settled it.",
)


@erase("games", about="When the user could play again, and when they took free coins.")
async def erase_games(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(partial(rounds.forget_user, user_id=erased.user_id))


@export(
    "rounds",
    about="Your rounds, newest first: what was staked, what came, and what you won.",
    about_ko="게임 기록, 최신순: 건 금액, 나온 결과, 딴 금액.",
)
async def export_rounds(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await rounds.rounds_of(db, user_id, game=None, before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            yield {**asdict(each), "round_id": str(each.round_id)}
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1].id
