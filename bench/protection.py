"""What the veto costs a round: `admit` and `settle` against a bare update of the same row by its key.

Processor time is that of our process alone; the time by the clock holds the server's work as well. Everything is in one
transaction, so that neither has the disk in it.
"""

import argparse
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import uvloop

from bench._lab import lab, median, verdict
from casino_club.entry.wiring import load_policies, protection_policy_over
from casino_club.features.protection.public import Occasion, ProtectionPolicy, admit, settle
from casino_club.infra.db.database import Database, Db
from casino_club.infra.settings import Settings
from casino_club.kernel.money import Currency

USERS = 100_000
BEGAN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Cost(NamedTuple):
    """Of one call, in microseconds."""

    cpu: float
    wall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000, help="calls in one measurement")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind")
    options = parser.parse_args()
    with lab() as here:
        uvloop.run(_compare(here.database_url, calls=options.calls, rounds=options.rounds))


async def _compare(url: str, *, calls: int, rounds: int) -> None:
    policy, rng = protection_policy_over(load_policies(Settings())), random.Random(7)
    bare, admitted, settled = [], [], []
    async with Database(url, connections_max=1) as database:
        async with database.transaction() as db:
            await db.execute(
                "INSERT INTO protections (user_id, coins_day_max, coins_week_max, time_day_max)"
                f" SELECT n, 1000000, 5000000, 600 FROM generate_series(1, {USERS}) AS n"
            )
        for number in range(rounds):
            now = BEGAN + timedelta(minutes=number)
            bare.append(await _cost(database, partial(_update, rng=rng), calls))
            admitted.append(await _cost(database, partial(_admit, rng=rng, now=now, policy=policy), calls))
            settled.append(await _cost(database, partial(_round, rng=rng, now=now, policy=policy), calls))
    for name, found in (("admit", admitted), ("admit and settle", settled)):
        for part in ("cpu", "wall"):
            ours, limit = (median([getattr(each, part) for each in costs]) for costs in (found, bare))
            target = 2.0 if found is admitted else 4.0
            verdict(f"{name} ÷ bare update, {part}", ours, limit, target=target, unit="µs", at_most=True)


async def _cost(database: Database, call: Callable[[Db], Awaitable[object]], calls: int) -> Cost:
    async with database.transaction() as db:
        await call(db)
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(calls):
            await call(db)
        return Cost((time.process_time() - cpu) / calls * 1e6, (time.perf_counter() - wall) / calls * 1e6)


async def _update(db: Db, rng: random.Random) -> None:
    await db.fetchval(
        "UPDATE protections SET reality_seen_us = $2 WHERE user_id = $1 RETURNING day_us", rng.randint(1, USERS), 1
    )


async def _admit(db: Db, rng: random.Random, now: datetime, policy: ProtectionPolicy) -> None:
    await admit(db, rng.randint(1, USERS), Occasion.BET, 10, currency=Currency.COIN, now=now, policy=policy)


async def _round(db: Db, rng: random.Random, now: datetime, policy: ProtectionPolicy) -> None:
    user_id = rng.randint(1, USERS)
    admission = await admit(db, user_id, Occasion.BET, 10, currency=Currency.COIN, now=now, policy=policy)
    await settle(db, admission, 9, policy=policy)


if __name__ == "__main__":
    main()
