"""A table at which two users, or a third, play one duel step by step."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from casino_club.features.games.commands import dueling
from casino_club.features.games.commands.dueling import Challenge
from casino_club.features.games.commands.lapsing import lapse_all
from casino_club.features.games.rules.duels import Duel, Move, commitment_of
from casino_club.features.games.store import duels as store
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.features.games.parlour import Parlour
from tests.infra.waiting import POLL_SECONDS

ANNA, BORIS, CLARA = 7, 8, 9
SALTS = {ANNA: "a" * 32, BORIS: "b" * 32, CLARA: "c" * 32}
TOKEN = Currency.CYBER_TOKEN
STEP = 60_000_000


RICH, AS_BEFORE, POOR = {"coins": 1_100}, {"coins": 1_000}, {"coins": 900}
HELD = {"one committed": 100, "both committed": 200, "one revealed": 200}
STEPS = ("open", "joined", "one committed", "both committed", "one revealed", "settled")


@dataclass(frozen=True)
class Table:
    """A parlour, and one duel in it between the first two who sit there."""

    parlour: Parlour
    duel_id: UUID

    async def challenge(self, user_id: int = ANNA, *, now: datetime = NOON, **more: Any) -> Duel:
        fields: dict[str, Any] = {"currency": Currency.COIN, "stake": 100, "is_listed": True}
        wanted = Challenge(**{"duel_id": self.duel_id, "user_id": user_id, **fields, **more})
        return await self._run(dueling.challenge, wanted, now=now)

    async def join(self, user_id: int = BORIS, *, now: datetime = NOON) -> Duel:
        return await self._run(dueling.join, self.duel_id, user_id, now=now)

    async def commit(self, user_id: int, move: Move = Move.ROCK, *, commitment: str = "", **more: Any) -> Duel:
        made = commitment or commitment_of(self.duel_id, user_id, move, SALTS[user_id])
        return await self._run(dueling.commit_to, self.duel_id, user_id, made, **more)

    async def reveal(self, user_id: int, move: Move = Move.ROCK, *, salt: str = "", **more: Any) -> Duel:
        return await self._run(dueling.reveal, self.duel_id, user_id, move=move, salt=salt or SALTS[user_id], **more)

    async def leave(self, user_id: int) -> Duel:
        return await self._run(dueling.leave, self.duel_id, user_id)

    async def until(
        self, state: str, one: Move = Move.ROCK, other: Move = Move.SCISSORS, *, now: datetime = NOON, **more: Any
    ) -> Duel:
        """Everything up to there, in order."""
        steps: dict[str, Callable[..., Awaitable[Duel]]] = {
            "open": partial(self.challenge, **more),
            "joined": self.join,
            "one committed": partial(self.commit, ANNA, one),
            "both committed": partial(self.commit, BORIS, other),
            "one revealed": partial(self.reveal, ANNA, one),
            "settled": partial(self.reveal, BORIS, other),
        }
        for name, step in steps.items():
            duel = await step(now=now)
            if name == state:
                break
        return duel

    async def seen(self) -> Duel:
        async with self.parlour.database.connection() as db:
            found = await store.duel(db, self.duel_id)
        assert found is not None
        return found

    async def lapse(self) -> Duel:
        await lapse_all(self.parlour.database, self.parlour.desk, now=NOON, at_once=1)
        return await self.seen()

    async def wealth(self) -> list[dict[str, int]]:
        return [await self.parlour.holds(user_id) for user_id in (ANNA, BORIS, CLARA)]

    async def held(self) -> int:
        """What lies on the house's account for stakes of duels."""
        return int(
            await self._fetchval(
                "SELECT coalesce(sum(balance), 0) FROM ledger_accounts WHERE id BETWEEN -8 * 192 AND -7 * 192 - 1"
            )
        )

    async def told(self) -> list[tuple[int, str, str]]:
        async with self.parlour.database.connection() as db:
            rows = await db.fetch("SELECT user_id, action_type, metadata FROM user_actions ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows if str(self.duel_id) in row[2]]

    async def counted(self, user_id: int) -> int:
        counted = await self._fetchval("SELECT coins_day FROM protections WHERE user_id = $1", user_id)
        return int(counted or 0)

    async def until_waiting(self, task: asyncio.Task[Duel]) -> None:
        """Until the task waits for somebody else's lock, or has ended without."""
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $1"
        async with asyncio.timeout(30):
            while not task.done() and not await self._fetchval(waiting, "Lock"):  # noqa: ASYNC110 - the server tells
                await asyncio.sleep(POLL_SECONDS)

    async def answer_for(self, microseconds: int, *, after_an_outage: bool = False) -> None:
        """As if we had answered for so long."""
        async with self.parlour.database.transaction() as db:
            await db.execute(
                """UPDATE game_clock SET answered_us = answered_us + $1,
                       resumed_us = CASE WHEN $2 THEN answered_us ELSE resumed_us END""",
                microseconds,
                after_an_outage,
            )

    async def _run(self, command: Any, *given: Any, now: datetime = NOON, **more: Any) -> Duel:
        found: Duel = await self.parlour.run(lambda db: command(db, self.parlour.desk, *given, now=now, **more))
        return found

    async def _fetchval(self, query: str, *given: Any) -> Any:
        async with self.parlour.database.connection() as db:
            return await db.fetchval(query, *given)
