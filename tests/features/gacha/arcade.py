"""A place with gachas: what ships is live, with two of our own, and people have gems, a seed and their age."""

import itertools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casino_club.entry.wiring import load_market, ways_closed
from casino_club.features.gacha.commands.desk import GachaDesk
from casino_club.features.gacha.commands.opening import Wish, open_gacha
from casino_club.features.gacha.commands.showing import Shown, gachas
from casino_club.features.gacha.store import Opening
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable, table_of
from casino_club.features.rewards.public import RewardPolicy
from casino_club.infra.db.database import Database
from casino_club.kernel.ids import derived_uuid
from tests.builders import odds
from tests.builders.actions import NOON, a_log
from tests.builders.venues import USER, GamingVenue
from tests.features.odds.house import a_desk, make_live
from tests.features.protection.guarding import a_protection_policy
from tests.features.rewards.gifts import AMOUNTS
from tests.features.wallet.purse import a_wallet_policy

SHIPPED, GALLERY, SHORT = "gacha-constellation", "gacha-gallery", "gacha-short"
CEILING = 5
GEM = {"currency": "GEM", "amount": 1}
PACE = timedelta(seconds=5)
_numbers = itertools.count(1)


def a_gacha(product: str = SHORT, *, base: int = 10, ceiling: int = CEILING, **changes: Any) -> OddsTable:
    """Nothing, ten coins, or a star, which is certain with the ceiling."""
    return table_of(odds.with_pity(base=base, ceiling=ceiling) | {"product": product, "price": GEM, **changes})


TABLES = [*shipped_tables(), a_gacha(), a_gacha("gacha-coins", price={"currency": "COIN", "amount": 5})]


def a_spin_id(text: str | None = None) -> UUID:
    return derived_uuid("opening", text or next(_numbers))


@dataclass(frozen=True)
class Arcade(GamingVenue):
    """Openings of users, the first of whom is seated."""

    desk: GachaDesk

    def wish(self, spins: int = 1, **more: Any) -> Wish:
        return Wish(**{"user_id": USER, "spin_id": a_spin_id(), "product": SHORT, "spins": spins, **more})

    async def open(self, wish: Wish, *, now: datetime = NOON) -> Opening:
        return await self.run(lambda db: open_gacha(db, self.desk, wish, now=now))

    async def many(self, count: int, spins: int = 1, **more: Any) -> list[Opening]:
        """Openings one after the other, as fast as may be."""
        return [await self.open(self.wish(spins, **more), now=NOON + at * PACE) for at in range(count)]

    async def shown(self, user_id: int = USER, *, now: datetime = NOON) -> dict[str, Shown]:
        async with self.database.connection() as db:
            return {each.found.odds.product: each for each in await gachas(db, self.desk, user_id, now=now)}

    async def kept(self) -> dict[str, int]:
        """How much there is of all that an opening leaves behind."""
        async with self.database.connection() as db:
            return {
                "openings": await db.fetchval("SELECT count(*) FROM gacha_log"),
                "draws": await db.fetchval("SELECT count(*) FROM odds_draws"),
                "nonces": await db.fetchval("SELECT coalesce(sum(next_nonce - 1), 0)::bigint FROM odds_seeds"),
                "transactions": await db.fetchval("SELECT count(*) FROM ledger_txs WHERE kind = 'gacha'"),
                "rewards": await db.fetchval("SELECT count(*) FROM user_rewards"),
                "plays": await db.fetchval("SELECT count(*) FROM user_actions WHERE is_play"),
                "users": await db.fetchval("SELECT coalesce(sum(users), 0)::bigint FROM gacha_days"),
            }

    def hasty(self) -> "Arcade":
        """Without a pace."""
        return replace(self, desk=replace(self.desk, pace=timedelta()))


async def open_arcade(database: Database, market: str = "kr") -> Arcade:
    """The ledger closes what the market closes."""
    await a_log(database).make_room()
    await make_live(database, *TABLES)
    profile = load_market(market)
    wallet = a_wallet_policy(*ways_closed(profile))
    policy = RewardPolicy(wallet, a_protection_policy(), AMOUNTS, timedelta(days=30))
    desk = GachaDesk(a_desk(), profile, policy, PACE)
    return Arcade(database, wallet, desk.odds, desk)
