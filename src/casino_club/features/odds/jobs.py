"""What this slice does as time passes, and when somebody goes or wants to have what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from casino_club.features.odds.commands.desk import Shelf
from casino_club.features.odds.commands.watching import COUNTED_AT_ONCE, look
from casino_club.features.odds.store import draws, seeds
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

HANDED_AT_ONCE = 500

DRAWS = kept(
    "draws",
    about="Draws and the seeds that they came from: they know users by number, and odds are proven by all of them.",
)


@job("watch_odds", every=timedelta(minutes=1), about="Counts draws, and pauses products that betray their table.")
async def watch_odds(work: Work) -> None:
    shelf: Shelf = work.policies[Shelf]
    while await work.database.run(partial(look, shelf=shelf, now=work.now)) == COUNTED_AT_ONCE:
        pass


@erase("odds", about="Client seeds, and where the user stood in products with pity.")
async def erase_odds(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(partial(seeds.forget_user, user_id=erased.user_id))


@export(
    "draws",
    about="Your draws: what was staked, what came, and which seeds it came from.",
    about_ko="뽑기 기록: 건 것, 나온 것, 그리고 사용된 시드.",
)
async def export_draws(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            found = await draws.draws_of(db, user_id, before_id=before_id, limit=HANDED_AT_ONCE)
        for draw in found:
            yield {**asdict(draw), "commit_id": str(draw.commit_id), "drawn_at": draw.drawn_at.isoformat()}
        if len(found) < HANDED_AT_ONCE:
            return
        before_id = found[-1].id
