"""A desk with seeds, products that are live, and users to whom something is promised."""

import random
from datetime import datetime
from typing import Any

from casino_club.features.odds.commands import draws, seeds
from casino_club.features.odds.commands.desk import OddsDesk, Shelf
from casino_club.features.odds.commands.draws import Result, Wanted
from casino_club.features.odds.commands.versions import ship
from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.infra.db.database import Database
from casino_club.infra.server_seeds import ServerSeeds
from casino_club.infra.vault import Vault
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import NOON
from tests.features.actions.club import VAULT_SECRET


def a_desk() -> OddsDesk:
    return OddsDesk(ServerSeeds(Vault(VAULT_SECRET).house_key()), Shelf())


async def make_live(database: Database, *tables: OddsTable, now: datetime = NOON) -> None:
    await database.run(lambda db: ship(db, tables, now=now))


async def seeded(database: Database, desk: OddsDesk, user_id: int, client_seed: str = "clover") -> None:
    """Promise the user a seed, and let them choose."""
    async with database.transaction() as db:
        await seeds.promise(db, desk, user_id, now=NOON)
        await seeds.choose(db, UserSubject(user_id), client_seed)


async def drawn(
    database: Database, desk: OddsDesk, product: str, user_id: int, *, now: datetime = NOON, **more: Any
) -> Result:
    """One draw in a transaction of its own."""
    wanted = Wanted(product, user_id, **more)
    return await database.run(lambda db: draws.draw(db, desk, wanted, now=now))


def a_stake(bet: str, stake: int = 10) -> dict[str, Any]:
    return {"bets": [Bet(bet, stake)], "currency": Currency.COIN}


def a_client_seed(rng: random.Random) -> str:
    return f"{rng.getrandbits(64):x}"
