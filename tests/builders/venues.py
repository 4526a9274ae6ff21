"""A venue on a test's own database: people with money, and where they play, with a seed and their age."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from casino_club.features.actions.public import lock_users
from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.rules.refusals import ClientSeedMissing, SeedMissing
from casino_club.features.wallet.public import Give, House, Order, Pocket, WalletPolicy, post
from casino_club.features.wallet.store.reading import held_by
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.errors import Refused
from tests.builders.actions import NOON
from tests.features.identity import people
from tests.features.odds.house import seeded
from tests.features.wallet.purse import Purse, a_key, a_wallet_policy

T = TypeVar("T")

USER = 7
SOURCES = {
    Pocket.PARTNER_TOKENS: House.PARTNER,
    Pocket.CASH_TOKENS: House.PAYMENTS,
    Pocket.PAID_GEMS: House.PAYMENTS,
}


@dataclass(frozen=True)
class Venue:
    """Where people have money. One user, unless another is named."""

    database: Database
    wallet: WalletPolicy

    async def run(self, work: Callable[[Db], Awaitable[T]]) -> T:
        return await self.database.run(work)

    async def give(self, user_id: int, pocket: Pocket, amount: int) -> None:
        source, key = SOURCES.get(pocket, House.GRANTS), a_key()

        async def work(db: Db) -> None:
            await lock_users(db, [user_id])
            order = Order("gift", user_id, (Give(pocket, amount, source, f"gift {key.key}"),))
            await post(db, order, key=key, now=NOON, policy=self.wallet)

        await self.run(work)

    async def holds(self, user_id: int = USER) -> dict[str, int]:
        async with self.database.connection() as db:
            held = await held_by(db, user_id)
        return {pocket.name.lower(): amount for pocket, amount in held.items() if amount}


@dataclass(frozen=True)
class GamingVenue(Venue):
    """Where they play as well, once they are seated."""

    odds: OddsDesk

    async def seat(self, user_id: int = USER, **held: int) -> None:
        """Let somebody play, with so much in each pocket."""
        await seeded(self.database, self.odds, user_id)
        async with self.database.transaction() as db:
            await db.execute(
                "INSERT INTO users (id, created_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2)", user_id, NOON
            )
            await come_of_age(db, user_id, at=NOON)
        for name, amount in held.items():
            await self.give(user_id, Pocket[name.upper()], amount)

    async def without_seeds(self) -> AsyncIterator[type[Refused]]:
        """Take away what chance takes, first the promise and then the user's choice alone; each with its refusal."""
        for statement, refused in (("DELETE FROM odds_seeds", SeedMissing), ("SELECT 1", ClientSeedMissing)):
            async with self.database.transaction() as db:
                await db.execute("DELETE FROM odds_client_seeds")
                await db.execute(statement)
            yield refused
            if refused is SeedMissing:
                await seeded(self.database, self.odds, USER)


async def come_of_age(db: Db, user_id: int, *, at: datetime) -> None:
    """As if they had proved it."""
    await db.execute("INSERT INTO age_checks VALUES ($1, 'x', $2, $2, true)", user_id, at)


async def a_seated_user(house: people.House, pocket: Pocket, amount: int, *, is_of_age: bool = True) -> people.Person:
    """Somebody with an account who has all that play takes, and so much money."""
    person = await house.person()
    await person.send("POST", "/api/seed")
    await person.send("PUT", "/api/seed/client-seed", {"client_seed": "clover"})
    if is_of_age:
        async with house.database.transaction() as db:
            await come_of_age(db, person.user_id, at=datetime.now(UTC))
    gift = Give(pocket, amount, House.GRANTS, "gift")
    await Purse(house.database, a_wallet_policy()).post(gift, user_id=person.user_id)
    return person
