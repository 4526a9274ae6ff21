"""What the servers say of rounds once all is quiet, beside what users were told and worked out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from typing import NamedTuple

import asyncpg

from tests.faults.gaming import Astonished, Crowd, Guest, Shown
from tests.faults.stage import Stage

PAGE_ROWS = 100
AT_ONCE = 20
CHECK_SECONDS_MAX = 120.0


class Kind(NamedTuple):
    """Where something is found again: by its id, all of it, and what the list and the id are called in answers."""

    one: str
    all: str
    key: str
    id: str


ROUNDS = Kind("/api/games/rounds", "/api/games/rounds", "rounds", "round_id")
DUELS = Kind("/api/games/duels", "/api/games/duels", "duels", "duel_id")
OPENINGS = Kind("/api/gacha/spins", "/api/gacha/history", "openings", "spin_id")
PURCHASES = Kind("/api/shop/purchases", "/api/shop/purchases", "purchases", "purchase_id")


def own_of(guest: Guest) -> dict[Kind, dict[str, Shown]]:
    """What a guest was told of."""
    return {ROUNDS: guest.rounds, DUELS: guest.duels, OPENINGS: guest.openings, PURCHASES: guest.purchases}


def told_of(guest: Guest) -> list[str]:
    """The plays of a guest, each a row of the log."""
    return [*guest.rounds, *guest.duels, *guest.openings]


async def differences(stage: Stage, crowd: Crowd) -> list[str]:
    """Everything that differs, in sentences."""
    await stage.ready()
    gate = asyncio.Semaphore(AT_ONCE)

    async def of(guest: Guest) -> list[str]:
        async with gate:
            return [each async for each in _of_guest(guest)]

    found = list(chain(*await asyncio.gather(*map(of, crowd.guests))))
    async with stage.database() as db:
        found += await _in_the_log(db, crowd.guests)
        found += await _of_draws(db, crowd.guests)
    return found + await _broken(stage)


async def _of_guest(guest: Guest) -> AsyncIterator[str]:
    """All that they have done by its id and by its list, and what they hold."""
    for kind, own in own_of(guest).items():
        for its_id, told in own.items():
            if await _shown(guest, f"{kind.one}/{its_id}") != told:
                yield f"lost or changed: {kind.one}/{its_id} of user {guest.user_id}"
        listed = Counter([each[kind.id] for each in await _all_of(guest, kind)])
        if listed != Counter(own.keys()):
            yield f"doubled or of nobody: {kind.all} of user {guest.user_id}: {listed - Counter(own.keys())}"
    balances = (await guest.read("/api/wallet"))["balances"]
    held = {each["currency"]: each["spendable"] for each in balances}
    for currency, amount in (("COIN", guest.coins), ("GEM", guest.gems)):
        if held.get(currency, 0) != amount:
            yield f"money: user {guest.user_id} has {held} and not {amount} {currency}"


async def _shown(guest: Guest, path: str) -> Shown | None:
    """None if there is no such thing."""
    try:
        return await guest.read(path)
    except Astonished:
        return None


async def _all_of(guest: Guest, kind: Kind) -> list[dict[str, str]]:
    found, cursor = [], ""
    while True:
        page = await guest.read(f"{kind.all}?limit={PAGE_ROWS}{cursor}")
        found += page[kind.key]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def _in_the_log(db: asyncpg.Connection, guests: Sequence[Guest]) -> list[str]:
    """Each round, each opening and each side of a duel is told once."""
    rows = await db.fetch(
        """SELECT user_id, metadata ->> 'round_id' FROM user_actions
           WHERE action_type IN ('SLOT_SPIN', 'ROULETTE_SPIN', 'RPS_PLAY', 'GACHA_SPIN')"""
    )
    told = Counter((row[0], row[1]) for row in rows)
    played = Counter((guest.user_id, each) for guest in guests for each in told_of(guest))
    return [f"in the log {told[each]} times, not {played[each]}: {each}" for each in (told - played) + (played - told)]


async def _of_draws(db: asyncpg.Connection, guests: Sequence[Guest]) -> list[str]:
    """Each user's draws are numbered from 1 on, without a gap, and are as many as they were told of."""
    rows = await db.fetch(
        """SELECT d.user_id, count(*), count(DISTINCT d.nonce), min(d.nonce), max(d.nonce), max(s.next_nonce - 1)
           FROM odds_draws AS d JOIN odds_seeds AS s ON s.commit_id = d.commit_id GROUP BY d.user_id, d.commit_id"""
    )
    by_user = {row[0]: tuple(row)[1:] for row in rows}
    found = {guest.user_id: by_user.get(guest.user_id, (0, 0, 1, 0, 0)) for guest in guests}
    wanted = {guest.user_id: (guest.draws, guest.draws, 1, guest.draws, guest.draws) for guest in guests}
    return [f"draws of user {each}: {found[each]}, not {wanted[each]}" for each in found if found[each] != wanted[each]]


async def _broken(stage: Stage) -> list[str]:
    """What the check finds that runs every night."""
    finished = "SELECT count(*) FROM ledger_checks WHERE finished_at IS NOT NULL"
    async with asyncio.timeout(CHECK_SECONDS_MAX), stage.database() as db:
        before = await db.fetchval(finished)
        await stage.command("jobs", "run", "check_ledger")
        while await db.fetchval(finished) == before:  # noqa: ASYNC110 - a worker does it
            await asyncio.sleep(0.1)
        rows = await db.fetch(
            """SELECT invariant, times, examples FROM ledger_violations
               WHERE check_id = (SELECT max(id) FROM ledger_checks WHERE finished_at IS NOT NULL)"""
        )
    return [f"invariant {row[0]} is broken {row[1]} times: {row[2]}" for row in rows]
