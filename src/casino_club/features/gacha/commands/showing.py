"""What users are shown of the gachas that there are, before they open one."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.gacha import store
from casino_club.features.gacha.commands.desk import GachaDesk
from casino_club.features.gacha.commands.opening import funds_for, gems_a_pull
from casino_club.features.odds import public as odds
from casino_club.features.odds.public import Game, OddsNow
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Shown:
    """A gacha as this user finds it: at which odds, for how many of which gems, and how many users opened it today."""

    found: OddsNow
    price_gems: int
    funds: list[str]
    users_today: int


async def gachas(db: Db, desk: GachaDesk, user_id: int, *, now: datetime) -> list[Shown]:
    """Every gacha that is live."""
    users = await store.users_on(db, desk.rewards.wallet.actions.calendar.day_of(now))
    shown = []
    for product in await odds.products_of(db, Game.GACHA, now=now):
        found = await odds.odds_for(db, desk.odds, product, user_id, now=now)
        if gems := gems_a_pull(found):
            shown.append(Shown(found, gems, funds_for(desk, found), users.get(product, 0)))
    return shown
