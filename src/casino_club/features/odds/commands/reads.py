"""What anybody may know of the odds."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.odds.commands.desk import OddsDesk, live_or_refuse
from casino_club.features.odds.commands.draws import digest_for
from casino_club.features.odds.rules.disclosure import Disclosure, disclose
from casino_club.features.odds.store.versions import Live
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Published:
    """What is live of a product, and the challenger that some users draw from while a trial runs."""

    live: Live
    odds: Disclosure
    challenger: Disclosure | None


async def published(db: Db, desk: OddsDesk, product: str, *, now: datetime) -> Published:
    """The public page of a product. Raises `ProductMissing`."""
    live = await live_or_refuse(db, product, now=now)
    challenger = None if live.challenger is None else disclose(await desk.table(db, live.challenger))
    return Published(live, disclose(await desk.table(db, live.digest)), challenger)


async def odds_for(db: Db, desk: OddsDesk, product: str, user_id: int, *, now: datetime) -> Disclosure:
    """The odds that this user draws at now: what a message about them has to say. Raises `ProductMissing`."""
    live = await live_or_refuse(db, product, now=now)
    return disclose(await desk.table(db, digest_for(live, user_id)))
