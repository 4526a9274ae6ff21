"""What anybody may know of the odds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casino_club.features.odds.commands.desk import OddsDesk, live_or_refuse
from casino_club.features.odds.commands.draws import OddsNow, open_draws
from casino_club.features.odds.rules import watch as rules
from casino_club.features.odds.rules.disclosure import Disclosure, disclose
from casino_club.features.odds.rules.markets import Game
from casino_club.features.odds.rules.watch import Seen
from casino_club.features.odds.store import versions, watch
from casino_club.features.odds.store.versions import Live
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Published:
    """What is live of a product, and the challenger that some users draw from while a trial runs."""

    live: Live
    odds: Disclosure
    challenger: Disclosure | None


@dataclass(frozen=True, slots=True)
class Observed:
    """What was drawn of the live table since its watch began."""

    live: Live
    draws: int
    seen: Sequence[Seen]


async def observed(db: Db, desk: OddsDesk, product: str, *, now: datetime) -> Observed:
    """Counts beside what is declared. Raises `ProductMissing`."""
    live = await live_or_refuse(db, product, now=now)
    counts = await watch.counts(db, product, live.watch, live.digest)
    table = await desk.shelf.table(db, live.digest)
    return Observed(live, sum(count.draws for count in counts), list(rules.observed(table, counts)))


async def published(db: Db, desk: OddsDesk, product: str, *, now: datetime) -> Published:
    """The public page of a product. Raises `ProductMissing`."""
    live = await live_or_refuse(db, product, now=now)
    challenger = None if live.challenger is None else disclose(await desk.shelf.table(db, live.challenger))
    return Published(live, disclose(await desk.shelf.table(db, live.digest)), challenger)


async def odds_for(db: Db, desk: OddsDesk, product: str, user_id: int, *, now: datetime) -> OddsNow:
    """What this user's next draw is made at: what a message about it has to say. Raises `ProductMissing`."""
    opening = await open_draws(db, desk, user_id, [product], now=now, is_locked=False)
    return await opening.odds(db, product)


async def products_of(db: Db, game: Game, *, now: datetime) -> list[str]:
    """The products of a game of which something is live, by name."""
    return [each.product for each in await versions.all_live(db, now=now) if each.product.startswith(f"{game}-")]
