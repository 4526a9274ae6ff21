"""Who draws, what they stake and when decides nothing: a draw asks about odds and seeds, and about nothing else."""

import asyncio
import os
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from casino_club.features.odds.commands.desk import OddsDesk, Shelf
from casino_club.features.odds.commands.draws import Wanted, draw
from casino_club.features.odds.rules.shapes import Prizes
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.rules.watch import groups
from casino_club.infra.server_seeds import ServerSeeds
from casino_club.infra.vault import Vault
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.builders.proofs import bets_on
from tests.features.actions.club import VAULT_SECRET

OPENING = {
    *("odds_products", "odds_versions", "odds_trials", "odds_seeds", "odds_client_seeds", "odds_commitments"),
    *("live", "seed", "LATERAL"),
}
"""What a draw begins with: tables of odds and seeds, and the parts of its one statement."""
PAIRS = int(os.environ.get("CASINO_CLUB_TEST_PAIRS", "3000"))
SEEDS = ServerSeeds(Vault(VAULT_SECRET).house_key())
TABLES = shipped_tables()
DESK = OddsDesk(SEEDS, Shelf({table.digest: table for table in TABLES}))


@dataclass
class OddsAlone:
    """Answers what is asked about odds, seeds and states. Whoever asks for anything else fails."""

    table: OddsTable
    seed: dict[str, Any]
    state: int
    asked: Counter[str] = field(default_factory=Counter)

    async def fetch(self, sql: str, *_: object) -> list[dict[str, Any]]:
        asked = set(re.findall(r"(?:FROM|JOIN) (\w+)", sql))
        assert asked <= OPENING, asked
        self.asked["opened"] += 1
        nothing = dict.fromkeys(("paused_at", "paused_because", "trial_id", "share_permille", "challenger"))
        now = {"product": self.table.product, "digest": self.table.digest, "live_from": NOON}
        return [{**nothing, **now, "watch": 0, "evidence_log10": 0.0, **self.seed}]

    async def fetchval(self, sql: str, *_: object) -> int | list[int]:
        if "INSERT INTO odds_draws" in sql:
            return [1]
        assert "FROM odds_states" in sql, sql
        return self.state

    async def execute(self, sql: str, *_: object) -> str:
        assert "INSERT INTO odds_states" in sql, sql
        return "INSERT 0 1"


def a_seed(rng: random.Random) -> dict[str, Any]:
    commit_id, server_seed = UUID(int=rng.getrandbits(128), version=4), rng.randbytes(32)
    promised = {"commit_id": commit_id, "sequence": 1, "seed_hash": "", "sealed": SEEDS.seal(commit_id, server_seed)}
    return {**promised, "client_seed": f"{rng.getrandbits(64):x}", "next_nonce": rng.randint(1, 2**53 - 1)}


def somebody(table: OddsTable, rng: random.Random) -> Wanted:
    """Any user, who stakes anything that the table takes."""
    is_gacha = isinstance(table.shape, Prizes)
    currency = Currency.GEM if is_gacha else rng.choice((Currency.COIN, Currency.CYBER_TOKEN))
    user_id = rng.randint(1, 2**50)
    return Wanted(
        table.product, user_id, bets_on(table, rng), currency, is_of_age=table.holds_content or rng.random() < 0.5
    )


async def came(table: OddsTable, seed: dict[str, Any], rng: random.Random, *, first: int, last: int) -> tuple[str, str]:
    db: Any = OddsAlone(table, seed, rng.randint(first, last))
    now = NOON + timedelta(seconds=rng.randint(0, 10**8))
    drawn = await draw(db, DESK, somebody(table, rng), now=now)
    return drawn.outcome.name, str(drawn.outcome.prize)


async def test_any_two_people_draw_the_same_from_the_same_seed_and_nonce() -> None:
    rng, differing = random.Random(20261120), 0
    for _ in range(PAIRS):
        table, seed = rng.choice(TABLES), a_seed(rng)
        first, last = rng.choice(groups(table))
        one, other = [await came(table, seed, rng, first=first, last=last) for _ in range(2)]
        differing += one != other

    assert differing == 0


@pytest.mark.parametrize("asked", ["SELECT level FROM bonus_terms", "SELECT streak FROM action_user"])
def test_a_draw_that_asked_about_a_person_would_be_seen(asked: str) -> None:
    db = OddsAlone(TABLES[0], {}, 0)

    with pytest.raises(AssertionError):
        asyncio.run(db.fetch(asked))
    with pytest.raises(AssertionError):
        asyncio.run(db.fetchval(asked))
