"""kill -9 while money moves: what was acknowledged is in the ledger once, and the ledger proves itself."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

import asyncpg
import pytest

from casino_club.infra.http import service_keys
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import Scope
from tests.faults.killing import Kind, needed, strike
from tests.faults.stage import Stage, staged
from tests.faults.test_lost_acknowledgements import commit_asynchronously
from tests.faults.transfers import Book, Partner
from tests.faults.truth import settled
from tests.infra.waiting import until

SEED = "2026-11-20/transfers"
TRANSFERS = int(os.environ.get("CASINO_CLUB_TEST_TRANSFERS", "10000"))
CHECKED_SECONDS_MAX = 300.0
RECOVERY_SECONDS_MAX = 60.0


@pytest.mark.timeout(3_600)
async def test_no_kill_loses_or_doubles_a_transfer(tmp_path: Path, kills: int) -> None:
    rng, recoveries = Random(SEED), list[float]()
    causes = [kind for _ in range(kills) for kind in rng.sample(list(Kind), len(Kind))]
    async with staged(tmp_path) as stage:
        partner = await a_partner(stage)
        async with partner.running():
            for place, kind in enumerate(causes):
                await reach(partner.book, TRANSFERS * place // len(causes) + rng.randint(1, 50))
                recoveries.append(await struck(stage, partner.book, kind, rng))
            await reach(partner.book, TRANSFERS)

        assert not partner.book.faults, partner.book.faults[:3]
        await stage.ready()
        found = await differences(stage, partner.book)
        assert not found, found
        await every_check_passes(stage)
    print(  # noqa: T201 - figures for whoever runs it
        f"{len(causes)} kills, {partner.book.acknowledged:,} transfers acknowledged, none lost or doubled; recovery p50"
        f" {median(recoveries):.1f} s, at most {max(recoveries):.1f} s"
    )


@pytest.mark.timeout(180)
async def test_what_asynchronous_commits_lose_of_the_ledger_is_found(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        partner = await a_partner(stage)
        await commit_asynchronously(stage)

        async with partner.running():
            await reach(partner.book, 500)
            await struck(stage, partner.book, Kind.POSTGRESQL, Random(SEED))

        assert (await differences(stage, partner.book))["lost"] > 0


async def a_partner(stage: Stage) -> Partner:
    async with stage.database() as db, db.transaction():
        _, text = await service_keys.create(db, "partner", frozenset({Scope.WALLET_WRITE}), now=datetime.now(UTC))
    return Partner(stage.port, text, seed=SEED)


async def reach(book: Book, acknowledged: int) -> None:
    await until(lambda: book.acknowledged >= acknowledged or book.faults, seconds_max=600.0)


async def struck(stage: Stage, book: Book, kind: Kind, rng: Random) -> float:
    """Kill one, and wait until it stands again and as many transfers as there are clients are acknowledged since."""
    await stage.ready(*needed(kind))
    await asyncio.sleep(rng.uniform(0, 0.03))
    began = await strike(stage, kind, rng)
    enough = book.acknowledged + 16
    await until(lambda: book.acknowledged >= enough or book.faults, seconds_max=RECOVERY_SECONDS_MAX)
    return time.monotonic() - began


async def differences(stage: Stage, book: Book) -> Counter[str]:
    """What the ledger says that the clients' book does not, and the other way round."""
    async with stage.database() as db:
        rows = await db.fetch("SELECT id, idem_key FROM ledger_txs WHERE kind IN ('partner_earn', 'partner_spend')")
        lots = await db.fetch("SELECT user_id, sum(remaining)::bigint AS held FROM ledger_lots GROUP BY user_id")
        told = await db.fetchval("SELECT count(*) FROM user_actions WHERE action_type ~ '^(EARN|SPEND)_CYBER_TOKENS$'")
    held = Counter(row["idem_key"] for row in rows)
    numbers = {row["idem_key"]: row["id"] for row in rows}
    balances = {row["user_id"]: row["held"] for row in lots}
    keys = {event: derived_uuid("event", event) for event in book.sent}
    return +Counter(
        lost=sum(numbers.get(keys[event]) != number for event, number in book.transactions.items()),
        doubled=sum(times - 1 for times in held.values()),
        unknown=len(numbers.keys() - set(keys.values())),
        untold=abs(told - len(rows)),
        balances=sum(balances.get(user, 0) != amount for user, amount in book.balances.items()),
    )


async def every_check_passes(stage: Stage) -> None:
    """The nightly jobs that check the ledger and count the tokens again, run now."""
    await settled(stage)
    for name, table in (("check_ledger", "ledger_checks"), ("reconcile_tokens", "token_reconciliations")):
        await stage.command("jobs", "run", name)
        async with asyncio.timeout(CHECKED_SECONDS_MAX), stage.database() as db:
            while not await db.fetchval(f"SELECT count(finished_at) FROM {table}"):  # noqa: ASYNC110 - a worker gets there
                await asyncio.sleep(0.1)
    async with stage.database() as db:
        violations = await found_broken(db)
        assert not violations, violations
        assert await db.fetchval("SELECT txs >= $1 FROM ledger_checks", TRANSFERS)
        assert await db.fetchval("SELECT sum(differing) FROM token_reconciliations") == 0


async def found_broken(db: asyncpg.Connection) -> Sequence[str]:
    return [str(row) for row in await db.fetch("SELECT * FROM ledger_violations")]
