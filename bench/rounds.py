"""Rounds of the slot, durable, at command level and over HTTP, against pgbench's TPC-B on the same server.

A round is the whole of one: age, protection, draw, ledger, log and the round itself. Users have played before, and take
turns, so that nobody plays faster than the pace allows. Processor time is that of our own processes and of PostgreSQL.
"""

import argparse
import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial

import asyncpg
import psutil
import uvloop

from bench._lab import Lab, lab, median, verdict
from bench.ledger import CLIENTS, PROCESSES, named, pgbench
from bench.single_action import answer_to, request
from casino_club.entry.wiring import game_desk_over, open_platform
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.playing import Play, play
from casino_club.features.odds.commands.seeds import choose, promise
from casino_club.features.odds.public import Bet, Game, OddsDesk
from casino_club.infra.db.database import Database, Db
from casino_club.infra.http.access_tokens import issue_access_token
from casino_club.infra.settings import Settings
from casino_club.kernel.ids import new_uuid7
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject

USERS = 12_000
"""More than play within a round's length."""
CONNECTIONS = 32
STAKE = (Bet("spin", 100),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--scale", type=int, default=100, help="pgbench's scale")
    options = parser.parse_args()
    with lab() as here, ProcessPoolExecutor(PROCESSES) as pool:
        rival = named(here.database_url, "rival")
        uvloop.run(_prepare(here.database_url))
        pgbench(rival, "-i", "-q", "-s", str(options.scale))
        theirs, commands, over_http = [], [], []
        costs, http_costs, servers, rival_servers = [], [], [], []
        with here.process("serve") as server:
            for _ in range(options.rounds):
                before = _spent_by_postgres()
                theirs.append(
                    pgbench(rival, "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(options.seconds))
                )
                between = _spent_by_postgres()
                rival_servers.append((between - before) / options.seconds / theirs[-1])
                halves = [pool.submit(_commands, n, options.seconds) for n in range(PROCESSES)]
                found = [half.result() for half in halves]
                commands.append(sum(rate for rate, _ in found))
                costs.append(sum(spent for _, spent in found) / options.seconds / commands[-1])
                servers.append((_spent_by_postgres() - between) / options.seconds / commands[-1])
                before = _spent(server.pid)
                over_http.append(uvloop.run(_over_http(here, options.seconds)))
                http_costs.append((_spent(server.pid) - before) / options.seconds / over_http[-1])
        verdict("slot rounds, commands ÷ pgbench TPC-B", median(commands), median(theirs), target=0.25, unit="per s")
        verdict("slot rounds, HTTP ÷ pgbench TPC-B", median(over_http), median(theirs), target=0.12, unit="per s")
        for how, spent in (("as a command", costs), ("over HTTP", http_costs)):
            print(f"our processor time of a round {how}: {median(spent) * 1e3:.2f} ms", flush=True)
        for what, spent in (("round as a command", servers), ("transaction of TPC-B", rival_servers)):
            print(f"PostgreSQL's processor time of a {what}: {median(spent) * 1e3:.2f} ms", flush=True)


async def _prepare(url: str) -> None:
    """Users of age with coins, a seed and their own part of it."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE rival")
    for statement in (
        f"INSERT INTO users (created_at) SELECT now() FROM generate_series(1, {USERS})",
        "INSERT INTO age_checks SELECT id, 'bench', now(), now(), true FROM users",
        "INSERT INTO sessions (id, user_id, began_at, last_used_at, ends_at, device) OVERRIDING SYSTEM VALUE"
        " SELECT id, id, now(), now(), now() + interval '1 day', '' FROM users",
        "INSERT INTO action_user (user_id) SELECT id FROM users",
        "INSERT INTO protections (user_id) SELECT id FROM users",
        "INSERT INTO game_standings (user_id, next_play_at) SELECT id, now() - interval '1 day' FROM users",
        "INSERT INTO ledger_accounts (id, balance)"
        " SELECT id * 8 + p, CASE p WHEN 0 THEN 1000000000 ELSE 0 END FROM users, generate_series(0, 6) AS p",
    ):
        await connection.execute(statement)
    await connection.close()
    async with open_platform(Settings()) as platform:
        desk = game_desk_over(platform).odds
        for first in range(1, USERS + 1, 500):
            await platform.database.run(partial(_seed, desk=desk, users=range(first, min(first + 500, USERS + 1))))
    connection = await asyncpg.connect(url)
    # Not the tables that are empty yet: plans for those would be made as if they stayed so.
    filled = "users, age_checks, sessions, action_user, protections, game_standings, ledger_accounts, odds_seeds"
    await connection.execute(f"VACUUM ANALYZE {filled}, odds_client_seeds, odds_commitments")
    await connection.close()


async def _seed(db: Db, desk: OddsDesk, users: range) -> None:
    now = datetime.now(UTC)
    for user_id in users:
        await promise(db, desk, user_id, now=now)
        await choose(db, UserSubject(user_id), "clover")


def _commands(number: int, seconds: int) -> tuple[float, float]:
    """Rounds a second, and the processor time that they took."""
    return uvloop.run(_play_commands(number, seconds))


async def _play_commands(number: int, seconds: int) -> tuple[float, float]:
    turns = _turns(number)
    async with open_platform(Settings(database_connections_max=CLIENTS)) as platform:
        desk = game_desk_over(platform)
        began, spent = time.monotonic(), time.process_time()
        clients = (
            _command_client(platform.database, desk, turns, began + seconds) for _ in range(CLIENTS // PROCESSES)
        )
        done = sum(await asyncio.gather(*clients))
        return done / (time.monotonic() - began), time.process_time() - spent


async def _command_client(database: Database, desk: GameDesk, turns: Iterator[int], until: float) -> int:
    rng, done = random.Random(time.time_ns()), 0
    while time.monotonic() < until:
        round_id = new_uuid7(time.time_ns() // 1_000_000, rng)
        wanted = Play(next(turns), round_id, Game.SLOT, "slot-orchard", Currency.COIN, STAKE)
        now = datetime.now(UTC)
        await database.run(partial(play, desk=desk, wanted=wanted, now=now))
        done += 1
    return done


def _turns(number: int) -> Iterator[int]:
    """The users of one process, each in turn."""
    return itertools.cycle(range(1 + number, USERS + 1, PROCESSES))


async def _over_http(here: Lab, seconds: int) -> float:
    now, secret = datetime.now(UTC), here.environment["CASINO_CLUB_TOKEN_SECRET"]
    tokens = itertools.cycle(
        [issue_access_token(secret, user_id, now, session_id=user_id) for user_id in range(1, USERS + 1)]
    )
    await asyncio.sleep(3)  # the rounds before are over
    began = time.monotonic()
    clients = (_http_client(here.port, tokens, began + seconds) for _ in range(CONNECTIONS))
    return sum(await asyncio.gather(*clients)) / (time.monotonic() - began)


async def _http_client(port: int, tokens: Iterator[str], until: float) -> int:
    rng, done = random.Random(time.time_ns()), 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with AsyncExitStack() as stack:
        stack.callback(writer.close)
        while time.monotonic() < until:
            round_id = new_uuid7(time.time_ns() // 1_000_000, rng)
            writer.write(request("/api/games/slot/spin", next(tokens), {"round_id": str(round_id)}))
            await answer_to(reader)
            done += 1
    return done


def _spent(process_id: int) -> float:
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system


def _spent_by_postgres() -> float:
    """Of all its processes; of those that have ended the first one knows."""
    spent = 0.0
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if each.name() == "postgres":
                times = each.cpu_times()
                spent += times.user + times.system + times.children_user + times.children_system
    return spent


if __name__ == "__main__":
    main()
