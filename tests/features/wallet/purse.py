"""A wallet on a test's own database, and what always holds of it."""

import itertools
from dataclasses import dataclass
from uuid import UUID

from casino_club.features.actions.public import lock_users
from casino_club.features.wallet.commands.posting import Posted, WalletPolicy, nothing, post
from casino_club.features.wallet.commands.taking_back import correct, refund
from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.edges import Edge
from casino_club.features.wallet.rules.orders import Move, Order
from casino_club.features.wallet.store.posting import Key
from casino_club.features.wallet.store.reading import held_by
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.ids import derived_uuid
from tests.builders.actions import NOON, a_policy

_numbers = itertools.count(1)


def a_wallet_policy(*closed: Edge) -> WalletPolicy:
    return WalletPolicy(a_policy(), frozenset(closed))


def a_key(text: str | None = None) -> Key:
    """The same for the same text, or one of its own."""
    return Key("test", derived_uuid("test", text or next(_numbers)))


@dataclass(frozen=True)
class Purse:
    """Orders of users, each in a transaction of its own."""

    database: Database
    policy: WalletPolicy

    async def post(
        self, *moves: Move, user_id: int = 7, kind: str = "test", key: Key | None = None, round_id: UUID | None = None
    ) -> Posted:
        used = key or a_key()

        async def work(db: Db) -> Posted:
            await lock_users(db, [user_id])
            order = Order(kind, user_id, moves)
            return await post(db, order, key=used, now=NOON, policy=self.policy, round_id=round_id, tell=nothing)

        return await self.database.run(work)

    async def refund(self, pocket: Pocket, origin: str, *, user_id: int = 7, key: Key | None = None) -> Posted:
        used = key or a_key()
        return await self.database.run(
            lambda db: refund(db, user_id, pocket, origin, key=used, now=NOON, policy=self.policy)
        )

    async def correct(self, tx_id: int, *, key: Key | None = None) -> Posted:
        used = key or a_key()
        return await self.database.run(lambda db: correct(db, tx_id, key=used, now=NOON, policy=self.policy))

    async def holds(self, user_id: int = 7) -> dict[Pocket, int]:
        """What the user has, without empty pockets."""
        async with self.database.connection() as db:
            held = await held_by(db, user_id)
        return {pocket: amount for pocket, amount in held.items() if amount}

    async def told(self) -> list[tuple[str, str]]:
        """What the log was told: types and metadata."""
        async with self.database.connection() as db:
            rows = await db.fetch("SELECT action_type, metadata FROM user_actions ORDER BY id")
        return [(row[0], row[1]) for row in rows]
