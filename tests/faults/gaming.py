"""Users who play all games over HTTP at once, each with a plain account of what they sent, were told and should have.

Whatever gets no answer, or 503, is sent again as it was, until there is one.
"""

import asyncio
import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from tests.faults.connection import Connection, NoAnswer

STAKE = 10
DUEL_STAKE = 20
DUEL_SHARE = 0.08
FREE_COINS, FREE_COINS_CEILING = 500, 2_000
ACKNOWLEDGED_SECONDS_MAX = 240.0
RETRY_SECONDS = (0.05, 0.3)
BEATS = {"rock": "scissors", "scissors": "paper", "paper": "rock"}
BETS = ("red", "even", "low", "dozen-1", "straight-17")
GAMES = ("slot", "slot", "slot", "roulette", "rps", "gacha")
GACHA, PULLS_MAX = "gacha-gallery", 4
TOP_UP, TOP_UP_GEMS = "gems-50", 50
TOO_SOON = ("round_too_soon", "opening_too_soon")

Shown = dict[str, Any]


class Astonished(AssertionError):
    """An answer that nobody may get."""


@dataclass
class Tellers:
    """What all users have seen together."""

    acknowledged: int = 0
    repeated: int = 0
    """Requests that were sent more than once, since nobody knew what had become of them."""
    answers: Counter[int] = field(default_factory=Counter)
    last_sent_at: float = 0.0
    """When the latest of those requests was sent that have been acknowledged."""


@dataclass
class Guest:
    """One user: what they have been told, and what they should have by that."""

    connection: Connection
    tellers: Tellers
    rng: Random
    user_id: int = 0
    coins: int = 0
    gems: int = 0
    rounds: dict[str, Shown] = field(default_factory=dict)
    duels: dict[str, Shown] = field(default_factory=dict)
    openings: dict[str, Shown] = field(default_factory=dict)
    purchases: dict[str, Shown] = field(default_factory=dict)
    draws: int = 0

    async def enter(self, number: int) -> None:
        """Sign up, prove an age, choose a seed, take the free coins."""
        body = {"nickname": "Minji", "email": f"guest{number}@example.com", "password": "correct horse battery"}
        status, signed = await self._sent("POST", "/api/users/signup", body)
        if status == 409:  # The first try got through, and nobody heard of it.
            status, signed = await self._sent("POST", "/api/users/login", {**body, "nickname": None})
        self._expect(status, 200, 201, of=signed)
        self.user_id, self.connection.key = signed["user_id"], signed["access_token"]
        await self._sent("POST", "/api/users/verify-age", {"birth_date": "1980-01-01"})
        while (await self.read("/api/users/verify-age"))["status"] == "pending":  # noqa: ASYNC110 - others settle it
            await asyncio.sleep(0.1)
        await self._sent("POST", "/api/seed")
        status, seed = await self._sent("PUT", "/api/seed/client-seed", {"client_seed": f"guest-{number}"})
        self._expect(status, 200, of=seed)
        await self.take_free_coins()

    async def take_free_coins(self) -> None:
        """They have no id: who does not know whether the first try got through is told that it is too soon."""
        tries = self.tellers.repeated
        status, shown = await self._sent("POST", "/api/games/free-coins")
        gained = max(0, min(FREE_COINS, FREE_COINS_CEILING - self.coins))
        if status == 200:
            self.coins += gained
            assert shown["balance"] == self.coins, f"{shown}, not {self.coins}"
        elif shown.get("code") == "free_coins_too_soon" and not self.coins and self.tellers.repeated > tries:
            self.coins += gained
        else:
            assert shown.get("code") in ("free_coins_too_soon", "coins_enough"), shown

    async def play(self) -> None:
        """One round of any game, or another look for free coins."""
        if self.coins < STAKE or self.rng.random() < 0.01:
            await self.take_free_coins()
        if self.coins < STAKE:
            return
        game, round_id = self.rng.choice(GAMES), self._new_id()
        if game == "gacha":
            await self.open_gacha(round_id)
            return
        path, body = await self._wish(game)
        shown = await self.post(path, {"round_id": round_id, **body})
        self.rounds[round_id] = shown
        bonus = shown["bonus"] or {}
        self.draws += 1 + (bonus.get("draw_id") is not None)
        self.coins += shown["won"] - shown["staked"]
        self.coins += (bonus.get("reward_value") or 0) if bonus.get("reward_type") == "COIN" else 0
        assert shown["balance_after"] == self.coins, f"{shown}, not {self.coins}"

    async def open_gacha(self, spin_id: str) -> None:
        """One to some pulls at once, for gems that were paid for."""
        spins = self.rng.randint(1, PULLS_MAX)
        if self.gems < spins:
            await self.buy_gems()
        shown = await self.post("/api/gacha/spin", {"spin_id": spin_id, "spins": spins, "product": GACHA})
        self.openings[spin_id] = shown
        self.draws += spins
        self.gems -= shown["price_gems"]
        assert (shown["price_gems"], shown["balance_after"]) == (spins, self.gems), f"{shown}, not {self.gems}"

    async def buy_gems(self) -> None:
        """A purchase, from its order until the provider has taken the money and said so."""
        purchase_id = self._new_id()
        wanted = {"purchase_id": purchase_id, "item_id": TOP_UP, "quantity": 1, "payment_method": "card"}
        shown = await self.post("/api/shop/buy", wanted)
        deadline = time.monotonic() + ACKNOWLEDGED_SECONDS_MAX
        while shown["state"] != "settled":
            assert time.monotonic() < deadline, shown
            await asyncio.sleep(0.3)
            shown = await self.read(f"/api/shop/purchases/{purchase_id}")
        self.purchases[purchase_id] = shown
        self.gems += TOP_UP_GEMS

    async def _wish(self, game: str) -> tuple[str, Shown]:
        if game == "slot":
            return "/api/games/slot/spin", {"stake": STAKE}
        if game == "roulette":
            return "/api/games/roulette/spin", {"bets": [{"bet": self.rng.choice(BETS), "stake": STAKE}]}
        status, shown = await self._sent("GET", "/api/games/rps/hidden-move")
        self._expect(status, 200, of=shown)
        move = self.rng.choice(list(BEATS))
        return "/api/games/rps/play", {"move": move, "hidden": shown["hidden"], "stake": STAKE}

    async def post(self, path: str, body: Shown | None = None) -> Shown:
        """Sent until it is acknowledged; who plays too soon waits as they are told."""
        deadline = time.monotonic() + ACKNOWLEDGED_SECONDS_MAX
        while time.monotonic() < deadline:
            status, shown = await self._sent("POST", path, body)
            if shown.get("code") not in TOO_SOON:
                self._expect(status, 200, of={"path": path, "sent": body, **shown})
                self.tellers.acknowledged += 1
                return shown
            await asyncio.sleep(0.3)
        raise Astonished(f"{path} is too soon for {ACKNOWLEDGED_SECONDS_MAX} s")

    async def read(self, path: str) -> Shown:
        status, shown = await self._sent("GET", path)
        self._expect(status, 200, of=shown)
        return shown

    async def _sent(self, method: str, path: str, body: Shown | None = None) -> tuple[int, Shown]:
        content = b"" if body is None else msgspec.json.encode({k: v for k, v in body.items() if v is not None})
        deadline, tries = time.monotonic() + ACKNOWLEDGED_SECONDS_MAX, 0
        while time.monotonic() < deadline:
            sent_at = time.monotonic()
            try:
                status, answer = await self.connection.request(method, path, content)
                self.tellers.answers[status] += 1
            except NoAnswer:
                status, answer = 503, b""
            if status != 503:
                self.tellers.last_sent_at = max(self.tellers.last_sent_at, sent_at)
                return status, msgspec.json.decode(answer) if answer else {}
            tries += 1
            self.tellers.repeated += tries == 1 and method == "POST"
            await asyncio.sleep(self.rng.uniform(*RETRY_SECONDS))
        raise Astonished(f"{method} {path} got no answer for {ACKNOWLEDGED_SECONDS_MAX} s")

    def _expect(self, status: int, *wanted: int, of: Shown) -> None:
        if status not in wanted:
            raise Astonished(f"{status}: {of}")

    def _new_id(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))


async def duel(one: Guest, other: Guest) -> None:
    """Two users against each other, from the challenge to the end, and what it comes to by their own account."""
    if min(one.coins, other.coins) < DUEL_STAKE:
        return
    duel_id, both = one._new_id(), (one, other)
    moves = {each.user_id: each.rng.choice(list(BEATS)) for each in both}
    salts = {each.user_id: f"{each.rng.getrandbits(128):032x}" for each in both}
    path = f"/api/games/duels/{duel_id}"
    await one.post("/api/games/duels", {"duel_id": duel_id, "stake": DUEL_STAKE})
    await other.post(f"{path}/join")
    await asyncio.gather(
        *(each.post(f"{path}/commit", {"commitment": _hidden(duel_id, each.user_id, moves, salts)}) for each in both)
    )
    await asyncio.gather(
        *(each.post(f"{path}/reveal", {"move": moves[each.user_id], "salt": salts[each.user_id]}) for each in both)
    )
    for each, against in ((one, other), (other, one)):
        mine, theirs = moves[each.user_id], moves[against.user_id]
        shown = each.duels[duel_id] = await each.read(path)
        result = "even" if mine == theirs else "win" if BEATS[mine] == theirs else "lose"
        assert (shown["state"], shown["result"]) == ("settled", result), f"{shown}, not {result}"
        each.coins += {"even": 0, "win": DUEL_STAKE, "lose": -DUEL_STAKE}[result]


def _hidden(duel_id: str, user_id: int, moves: dict[int, str], salts: dict[int, str]) -> str:
    texts = ("casino-club/duel-move/1", duel_id, str(user_id), moves[user_id], salts[user_id])
    return hashlib.sha256(b"".join(len(t).to_bytes(4, "big") + t.encode() for t in texts)).hexdigest()


@dataclass
class Crowd:
    """All users, two by two."""

    pairs: list[tuple[Guest, Guest]]
    tellers: Tellers
    is_over: bool = False

    @property
    def guests(self) -> list[Guest]:
        return [guest for pair in self.pairs for guest in pair]

    async def play(self) -> None:
        """Until it is over; what each of them has begun is brought to its end."""
        await asyncio.gather(*(self._play(one, other) for one, other in self.pairs))

    async def _play(self, one: Guest, other: Guest) -> None:
        while not self.is_over:
            if one.rng.random() < DUEL_SHARE:
                await duel(one, other)
            else:
                await asyncio.gather(one.play(), other.play())
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for guest in self.guests:
            await guest.connection.close()


async def gathered(port: int, count: int, *, seed: str, at_once: int = 8) -> Crowd:
    """So many users, who have all that play takes."""
    tellers, gate = Tellers(), asyncio.Semaphore(at_once)

    async def one(number: int) -> Guest:
        connection = Connection(port, sender=f"10.7.{number // 250}.{number % 250}", seconds_max=20.0)
        guest = Guest(connection, tellers, Random(f"{seed}/{number}"))
        async with gate:
            await guest.enter(number)
        return guest

    guests = await asyncio.gather(*map(one, range(count)))
    return Crowd(list(zip(guests[::2], guests[1::2], strict=True)), tellers)
