"""Clients that bring tokens in and take them out, know what every user must have, and repeat what got no answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import msgspec

from tests.faults.connection import Connection, NoAnswer
from tests.faults.load import ACKNOWLEDGED_SECONDS_MAX, RETRY_SECONDS

CLIENTS = 16
USERS_PER_CLIENT = 5
FIRST_USER = 30_001
TWICE_SHARE = 0.03
"""So many are sent on two connections at once."""
AMOUNT_MAX = 500


class Transfer(msgspec.Struct, frozen=True):
    """One event of a partner's: tokens earned, or spent if the amount is below zero."""

    event_id: str
    user_id: int
    amount: int

    @property
    def path(self) -> str:
        return "/api/wallet/tokens/earn" if self.amount > 0 else "/api/wallet/tokens/spend"

    @property
    def body(self) -> bytes:
        return msgspec.json.encode({"user_id": self.user_id, "event_id": self.event_id, "amount": abs(self.amount)})


@dataclass
class Book:
    """The clients' side of the truth."""

    sent: dict[str, Transfer] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)
    """What was acknowledged: the number of the transaction of each event."""
    balances: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return len(self.transactions)

    def acknowledge(self, transfer: Transfer, transaction_id: int) -> None:
        """Called after the last byte of an answer."""
        known = self.transactions.setdefault(transfer.event_id, transaction_id)
        if known != transaction_id:
            self.faults.append(f"{transfer} was acknowledged as {known} and later as {transaction_id}")


class Partner:
    """The clients, their book, and where they send to."""

    def __init__(self, port: int, key: str, *, seed: str) -> None:
        self.book = Book()
        self._port, self._key, self._seed, self._is_over = port, key, seed, False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Partner"]:
        """Under load inside; afterwards every transfer that was sent is acknowledged, or the book holds a fault."""
        async with asyncio.TaskGroup() as sending:
            for number in range(CLIENTS):
                sending.create_task(self._client(number))
            try:
                yield self
            finally:
                self._is_over = True

    async def _client(self, number: int) -> None:
        rng = Random(f"{self._seed}/{number}")
        first = FIRST_USER + number * USERS_PER_CLIENT
        users = range(first, first + USERS_PER_CLIENT)
        connections = [Connection(self._port, self._key) for _ in range(2)]
        try:
            while not self._is_over:
                transfer = self._next(rng, users)
                used = connections if rng.random() < TWICE_SHARE else connections[:1]
                await asyncio.gather(*(self._until_acknowledged(each, transfer, rng) for each in used))
        finally:
            await asyncio.gather(*(each.close() for each in connections))

    def _next(self, rng: Random, users: Sequence[int]) -> Transfer:
        user = rng.choice(users)
        held = self.book.balances.get(user, 0)
        amount = -rng.randint(1, held) if held and rng.random() < 0.5 else rng.randint(1, AMOUNT_MAX)
        transfer = Transfer(str(UUID(int=rng.getrandbits(128), version=4)), user, amount)
        self.book.sent[transfer.event_id] = transfer
        self.book.balances[user] = held + amount
        return transfer

    async def _until_acknowledged(self, connection: Connection, transfer: Transfer, rng: Random) -> None:
        deadline = time.monotonic() + ACKNOWLEDGED_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                status, content = await connection.post(transfer.path, transfer.body)
            except NoAnswer:
                status, content = 503, b""
            if status != 503:
                self._take_answer(transfer, status, content)
                return
            await asyncio.sleep(rng.uniform(*RETRY_SECONDS))
        self.book.faults.append(f"{transfer} was not acknowledged in {ACKNOWLEDGED_SECONDS_MAX} s")

    def _take_answer(self, transfer: Transfer, status: int, content: bytes) -> None:
        if status != 201:
            self.book.faults.append(f"{transfer}: {status} {content.decode(errors='replace')[:500]}")
            return
        answer = msgspec.json.decode(content)
        self.book.acknowledge(transfer, answer["transaction_id"])
        expected = self.book.balances[transfer.user_id]
        if answer["token_balance"] != expected:
            self.book.faults.append(f"{transfer} left {answer['token_balance']} instead of {expected}")
