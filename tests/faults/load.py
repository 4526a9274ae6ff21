"""A crowd of clients that plays, sends batches, and repeats whatever was not acknowledged, exactly as it was."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from tests.faults.connection import ANSWER_SECONDS_MAX, Connection, NoAnswer
from tests.faults.ledger import Action, Ledger
from tests.faults.oracle import PLAYS

CLIENTS = 8
PACE_SECONDS_MAX = 0.05
BATCH_SHARE, BATCH_ROWS_MAX = 0.12, 60
REPEATED_SHARE = 0.03
ACKNOWLEDGED_SECONDS_MAX = 120.0
RETRY_SECONDS = (0.01, 0.1)
PRESENT_USERS = range(1_001, 1_101)
"""They act now."""
PAST_USERS = range(5_001, 5_041)
"""Their actions carry times of their own, over the last weeks: streaks break, days pass, some arrive late."""
PROBE_USER = 9_001


class Load:
    """The clients, their ledger, and where they send to."""

    def __init__(self, port: int, key: str, *, seed: str, host: str = "127.0.0.1", tells_times: bool = True) -> None:
        """Unless it tells times, all happens when it arrives, whatever the clock says there."""
        self.ledger = Ledger()
        self._port, self._key, self._seed, self._host, self._tells_times = port, key, seed, host, tells_times
        self.answers: Counter[int] = Counter()
        """How many of each status; no answer is none."""
        self._is_over, self._runs = False, 0
        began = datetime.now(UTC).replace(microsecond=0)
        self._clocks = {user: began - timedelta(days=80) for user in PAST_USERS}
        self._began = began
        self._rng = Random(f"{seed}/probe")

    @asynccontextmanager
    async def running(self, *, clients: int = CLIENTS) -> AsyncIterator["Load"]:
        """Under load inside; afterwards everything sent is acknowledged, or the ledger holds a fault."""
        self._is_over, self._runs = False, self._runs + 1
        async with asyncio.TaskGroup() as sending:
            for number in range(clients):
                sending.create_task(self._client(Random(f"{self._seed}/{self._runs}/{number}")))
            try:
                yield self
            finally:
                self._is_over = True

    async def probe(self) -> int:
        """One play of a user that nobody else plays; its id in the log."""
        action = an_action(self._rng, PROBE_USER, None, action_type="SLOT_SPIN")
        await self.send([action])
        action_id = self.ledger.entries[action.client_id].id
        assert action_id is not None, self.ledger.faults
        return action_id

    async def send(self, actions: Sequence[Action], *, seconds_max: float = 10.0) -> None:
        """Send these on a connection of their own until they are acknowledged."""
        rng, connection = Random(str(actions[0].client_id)), self._connection(seconds_max)
        try:
            await self._until_acknowledged(connection, actions, rng)
        finally:
            await connection.close()

    def _connection(self, seconds_max: float = ANSWER_SECONDS_MAX) -> Connection:
        return Connection(self._port, self._key, host=self._host, seconds_max=seconds_max)

    async def _client(self, rng: Random) -> None:
        connection = self._connection()
        before: Sequence[Action] = ()
        try:
            while not self._is_over:
                actions = before if before and rng.random() < REPEATED_SHARE else self._next_actions(rng)
                await self._until_acknowledged(connection, actions, rng)
                before = actions
                await asyncio.sleep(rng.uniform(0, PACE_SECONDS_MAX))
        finally:
            await connection.close()

    async def _until_acknowledged(self, connection: Connection, actions: Sequence[Action], rng: Random) -> None:
        path, body = _request(actions)
        self.ledger.send(actions)
        deadline = time.monotonic() + ACKNOWLEDGED_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                status, content = await connection.post(path, body)
            except NoAnswer:
                status, content = 503, b""
            else:
                self.answers[status] += 1
            if status != 503:
                self._take_answer(actions, status, content)
                return
            await asyncio.sleep(rng.uniform(*RETRY_SECONDS))
        self.ledger.faults.append(f"{actions[0].client_id} was not acknowledged in {ACKNOWLEDGED_SECONDS_MAX} s")

    def _take_answer(self, actions: Sequence[Action], status: int, content: bytes) -> None:
        if status not in (200, 201):
            self.ledger.faults.append(f"{status}: {content.decode(errors='replace')[:500]}")
            return
        answer = msgspec.json.decode(content)
        for action, verdict in zip(actions, answer.get("results", [answer]), strict=True):
            if verdict.get("status") == "refused" or verdict["client_action_id"] != str(action.client_id):
                self.ledger.faults.append(f"{action} got {verdict}")
            else:
                self.ledger.acknowledge(action, verdict["id"])

    def _next_actions(self, rng: Random) -> list[Action]:
        count = rng.randint(2, BATCH_ROWS_MAX) if rng.random() < BATCH_SHARE else 1
        return [self._next_action(rng) for _ in range(count)]

    def _next_action(self, rng: Random) -> Action:
        if not self._tells_times:
            return an_action(rng, rng.choice(PRESENT_USERS), None)
        if rng.random() < 0.7:
            late = timedelta(seconds=rng.randint(0, 900)) if rng.random() < 0.1 else None
            return an_action(rng, rng.choice(PRESENT_USERS), self._began - late if late else None)
        user = rng.choice(PAST_USERS)
        if rng.random() < 0.1:
            return an_action(rng, user, self._clocks[user] - timedelta(minutes=rng.randint(0, 2_000)))
        then = self._clocks[user] + timedelta(
            minutes=rng.choice((1, 5, 29, 30, 31, 45)), microseconds=rng.randint(0, 1)
        )
        self._clocks[user] = min(then, self._began)
        return an_action(rng, user, self._clocks[user])


def an_action(rng: Random, user_id: int, at: datetime | None, *, action_type: str | None = None) -> Action:
    """Any action of this user that a service may send."""
    chosen = action_type or rng.choice(("SLOT_SPIN", "SLOT_SPIN", "RPS_PLAY", "GACHA_SPIN", "VIEW_CONTENT", "PURCHASE"))
    metadata: dict[str, object] = {}
    if chosen in PLAYS:
        currency = "GEM" if chosen == "GACHA_SPIN" else "COIN"
        metadata = {"result": "lose", "currency": currency, "staked": rng.randint(1, 500), "won": 0}
        metadata["round_id"] = str(_uuid(rng))
    elif chosen == "PURCHASE":
        metadata = {"amount": rng.randint(1, 99) * 1_000}
    return Action(_uuid(rng), user_id, chosen, rng.choice((None, rng.randint(-9, 9))), metadata, at)


def a_batch(rng: Random, users: Sequence[int]) -> list[Action]:
    """One play of each of these users, in this order."""
    return [an_action(rng, user, None, action_type="SLOT_SPIN") for user in users]


def _request(actions: Sequence[Action]) -> tuple[str, bytes]:
    if len(actions) == 1:
        return "/api/actions", msgspec.json.encode(actions[0].as_sent())
    return "/api/actions/batch", msgspec.json.encode({"actions": [action.as_sent() for action in actions]})


def _uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
