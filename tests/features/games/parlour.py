"""A place to play: what ships is live, and people have money, a seed and their age."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casino_club.entry.wiring import load_market
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.playing import Play, play
from casino_club.features.games.rules.duels import DuelPolicy
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.rules.pace import Pace
from casino_club.features.games.store.rounds import Round
from casino_club.features.odds.public import Bet, Game
from casino_club.features.odds.rules.shipped import shipped_tables, slot
from casino_club.features.odds.rules.tables import table_of
from casino_club.features.rewards.public import Grant, Reward, RewardPolicy, RewardType, grant
from casino_club.features.rewards.rules.bonus import bonus_tables
from casino_club.infra.db.database import Database
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON, a_log
from tests.builders.venues import USER, GamingVenue
from tests.features.odds.house import a_desk, make_live
from tests.features.protection.guarding import a_protection_policy
from tests.features.rewards.gifts import AMOUNTS
from tests.features.wallet.purse import a_key, a_wallet_policy

PLAIN_SLOT = "slot-meadow"
"""One without a bonus."""
TABLES = [*shipped_tables(), *map(table_of, [*bonus_tables(), slot() | {"product": PLAIN_SLOT}])]
_numbers = itertools.count(1)


def a_round_id(text: str | None = None) -> UUID:
    return derived_uuid("round", text or next(_numbers))


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@dataclass(frozen=True)
class Parlour(GamingVenue):
    """Rounds of users, the first of whom is seated."""

    desk: GameDesk

    def spin(self, stake: int = 100, **more: Any) -> Play:
        return self.wanted(Game.SLOT, PLAIN_SLOT, Bet("spin", stake), **more)

    def roulette(self, *bets: Bet, **more: Any) -> Play:
        return self.wanted(Game.ROULETTE, "roulette-european", *bets, **more)

    def wanted(self, game: Game, usual: str, *bets: Bet, **more: Any) -> Play:
        fields: dict[str, Any] = {"user_id": USER, "currency": Currency.COIN, "product": usual}
        return Play(**{"round_id": a_round_id(), "game": game, "bets": bets, **fields, **more})

    async def play(self, wanted: Play, *, now: datetime = NOON) -> Round:
        return await self.run(lambda db: play(db, self.desk, wanted, now=now))

    async def give_spins(self, count: int, product: str = "", user_id: int = USER) -> None:
        spins = Grant(user_id, Reward(RewardType.FREE_SPIN, count, product), "gift", a_key().key)
        await self.run(lambda db: grant(db, spins, now=NOON, policy=self.desk.rewards))

    async def many(self, count: int, **more: Any) -> list[Round]:
        """Spins one after the other, as fast as may be."""
        return [await self.play(self.spin(**more), now=NOON + at * self.desk.pace.slot) for at in range(count)]

    async def kept(self) -> dict[str, int]:
        """How much there is of all that a round leaves behind."""
        async with self.database.connection() as db:
            return {
                "rounds": await db.fetchval("SELECT count(*) FROM game_rounds"),
                "draws": await db.fetchval("SELECT count(*) FROM odds_draws"),
                "nonces": await db.fetchval("SELECT coalesce(sum(next_nonce - 1), 0)::bigint FROM odds_seeds"),
                "transactions": await db.fetchval("SELECT count(*) FROM ledger_txs WHERE kind <> 'gift'"),
                "plays": await db.fetchval("SELECT count(*) FROM user_actions WHERE is_play"),
                "counted": await db.fetchval("SELECT coalesce(sum(coins_day), 0)::bigint FROM protections"),
            }

    async def told(self) -> list[tuple[str, str]]:
        """What the log was told since the gifts: types and metadata."""
        async with self.database.connection() as db:
            rows = await db.fetch(
                """SELECT action_type, metadata FROM user_actions
                   WHERE action_type LIKE '%\\_SPIN' OR action_type = 'RPS_PLAY' OR metadata ? 'round_id' ORDER BY id"""
            )
        return [(row[0], row[1]) for row in rows]


async def open_parlour(database: Database, market: str = "kr") -> Parlour:
    """Pace is that of the shipped settings."""
    await a_log(database).make_room()
    await make_live(database, *TABLES)
    pace = Pace(timedelta(seconds=2.5), timedelta(seconds=5))
    bonuses = RewardPolicy(a_wallet_policy(), a_protection_policy(), AMOUNTS, timedelta(days=30))
    free = FreeCoins(500, 2_000, timedelta(hours=4))
    duels = DuelPolicy(timedelta(minutes=10), timedelta(seconds=60), 10_000)
    wallet, guarded = a_wallet_policy(), a_protection_policy()
    desk = GameDesk(a_desk(), load_market(market), wallet, guarded, pace, free, duels, bonuses, 100)
    return Parlour(database, wallet, desk.odds, desk)
