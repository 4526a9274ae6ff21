"""What the servers say of rounds once all is quiet, beside what users were told and worked out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import chain

import asyncpg

from tests.faults.gaming import Crowd, Guest
from tests.faults.stage import Stage

PAGE_ROWS = 200
AT_ONCE = 20
CHECK_SECONDS_MAX = 120.0


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
    """Their rounds and duels by id, all of them by list, and their coins."""
    for round_id, told in guest.rounds.items():
        if await guest.read(f"/api/games/rounds/{round_id}") != told:
            yield f"lost or changed: round {round_id} of user {guest.user_id}"
    for duel_id, told in guest.duels.items():
        if await guest.read(f"/api/games/duels/{duel_id}") != told:
            yield f"lost or changed: duel {duel_id} of user {guest.user_id}"
    for kind, own in (("rounds", guest.rounds), ("duels", guest.duels)):
        listed = Counter([each[f"{kind[:-1]}_id"] for each in await _all_of(guest, kind)])
        if listed != Counter(own.keys()):
            yield f"doubled or of nobody: {kind} of user {guest.user_id}: {listed - Counter(own.keys())}"
    balances = (await guest.read("/api/wallet"))["balances"]
    [coins] = [each["spendable"] for each in balances if each["currency"] == "COIN"]
    if coins != guest.coins:
        yield f"coins: user {guest.user_id} has {coins}, not {guest.coins}"


async def _all_of(guest: Guest, kind: str) -> list[dict[str, str]]:
    found, cursor = [], ""
    while True:
        page = await guest.read(f"/api/games/{kind}?limit={PAGE_ROWS}{cursor}")
        found += page[kind]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def _in_the_log(db: asyncpg.Connection, guests: Sequence[Guest]) -> list[str]:
    """Each round and each side of a duel is told once."""
    rows = await db.fetch(
        """SELECT user_id, metadata ->> 'round_id' FROM user_actions
           WHERE action_type IN ('SLOT_SPIN', 'ROULETTE_SPIN', 'RPS_PLAY')"""
    )
    told = Counter((row[0], row[1]) for row in rows)
    played = Counter((guest.user_id, each) for guest in guests for each in (*guest.rounds, *guest.duels))
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
    await stage.command("jobs", "run", "check_ledger")
    async with asyncio.timeout(CHECK_SECONDS_MAX), stage.database() as db:
        finished = "SELECT count(*) FROM ledger_checks WHERE finished_at IS NOT NULL"
        while not await db.fetchval(finished):  # noqa: ASYNC110 - a worker does it
            await asyncio.sleep(0.1)
        rows = await db.fetch("SELECT invariant, times, examples FROM ledger_violations")
    return [f"invariant {row[0]} is broken {row[1]} times: {row[2]}" for row in rows]
