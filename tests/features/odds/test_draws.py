"""A draw is one step of its seed, in the caller's transaction: no nonce is lost, doubled, or used too late."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from casino_club.features.odds.commands import draws, seeds
from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.commands.draws import Result, Wanted
from casino_club.features.odds.jobs import erase_odds, export_draws
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.proofs import verify
from casino_club.features.odds.rules.seeds import BEFORE_THE_FIRST, commitment_hash
from casino_club.features.odds.store import seeds as seed_store
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.log_files import LogFiles
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.effects import Stores
from casino_club.infra.privacy.doors import Erased, Reach
from casino_club.infra.vault import Vault
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Refused
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject
from tests.builders import odds
from tests.builders.actions import NOON
from tests.builders.jobs import NOWHERE
from tests.builders.odds import a_table
from tests.features.actions.club import VAULT_SECRET
from tests.features.odds.house import a_desk, a_stake, drawn, make_live, seeded
from tests.infra.waiting import POLL_SECONDS

USER = 7


@pytest.fixture
async def desk(database: Database) -> OddsDesk:
    """Everything small is live, and the user has chosen a seed."""
    values = (odds.prizes(), odds.with_pity() | {"product": "pity"}, odds.wager(), odds.slot(), odds.cells())
    await make_live(database, *map(a_table, values))
    desk = a_desk()
    await seeded(database, desk, USER)
    return desk


async def proof_of(database: Database, desk: OddsDesk, user_id: int, draw_id: int) -> str:
    async with database.connection() as db:
        return await draws.proof(db, desk, UserSubject(user_id), draw_id)


async def until_somebody_waits(db: Db) -> None:
    async with asyncio.timeout(30):
        while not await db.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - in PostgreSQL
            await asyncio.sleep(POLL_SECONDS)


async def test_every_draw_has_a_genuine_proof_once_its_seed_is_revealed(database: Database, desk: OddsDesk) -> None:
    made = [
        await drawn(database, desk, "trial", USER),
        await drawn(database, desk, "coin-toss", USER, **a_stake("heads", 50)),
        await drawn(database, desk, "small-slot", USER, **a_stake("spin")),
        await drawn(database, desk, "bonus", USER, cell="whale"),
        *[await drawn(database, desk, "pity", USER) for _ in range(6)],
    ]
    with pytest.raises(refusals.SeedSecret):
        await proof_of(database, desk, USER, made[0].draw_id)

    async with database.transaction() as db:
        revealed, following = await seeds.rotate(db, desk, UserSubject(USER), now=NOON)

    assert [result.nonce for result in made] == list(range(1, 11))
    assert revealed.draws == 10
    assert (following.client_seed, following.next_nonce) == (None, 1)
    for result in made:
        text = await proof_of(database, desk, USER, result.draw_id)
        assert all(check.holds for check in verify(text.encode()))
        assert json.loads(text)["receipt"] == result.receipt
        assert json.loads(text)["outcome"]["name"] == result.outcome.name


async def test_a_seed_that_is_revealed_is_never_drawn_from_again(database: Database, desk: OddsDesk) -> None:
    first = await drawn(database, desk, "trial", USER)
    async with database.transaction() as db:
        await seeds.rotate(db, desk, UserSubject(USER), now=NOON)

    with pytest.raises(refusals.ClientSeedMissing):
        await drawn(database, desk, "trial", USER)
    await seeded(database, desk, USER)
    second = await drawn(database, desk, "trial", USER)

    assert second.commit_id != first.commit_id
    assert second.nonce == 1


async def test_a_draw_that_is_rolled_back_comes_again_as_it_was(database: Database, desk: OddsDesk) -> None:
    seen: list[Result] = []

    async def draw_and_fail(db: Db) -> None:
        seen.append(await draws.draw(db, desk, Wanted("trial", USER), now=NOON))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(draw_and_fail)
    again = await drawn(database, desk, "trial", USER)

    assert (again.nonce, again.outcome, again.receipt) == (1, seen[0].outcome, seen[0].receipt)


async def test_draws_at_once_take_one_nonce_each(database: Database, desk: OddsDesk) -> None:
    made = await asyncio.gather(*(drawn(database, desk, "pity", USER) for _ in range(20)))

    assert sorted(result.nonce for result in made) == list(range(1, 21))
    steps = [(result.state, result.outcome.next_state) for result in sorted(made, key=lambda each: each.nonce)]
    assert [state for state, _ in steps[1:]] == [after for _, after in steps[:-1]]


async def test_a_draw_waits_for_a_seed_that_is_being_revealed(database: Database, desk: OddsDesk) -> None:
    await drawn(database, desk, "trial", USER)
    async with database.transaction() as db:
        await seeds.rotate(db, desk, UserSubject(USER), now=NOON)
        waiting = asyncio.create_task(drawn(database, desk, "trial", USER))
        await until_somebody_waits(db)

    with pytest.raises(refusals.ClientSeedMissing):
        await waiting


async def test_a_draw_that_waited_for_another_client_seed_is_made_from_that(database: Database, desk: OddsDesk) -> None:
    async with database.transaction() as db:
        await seeds.choose(db, UserSubject(USER), "heather")
        waiting = asyncio.create_task(drawn(database, desk, "trial", USER))
        await until_somebody_waits(db)
    made = await waiting

    async with database.transaction() as db:
        await seeds.rotate(db, desk, UserSubject(USER), now=NOON)
    text = await proof_of(database, desk, USER, made.draw_id)
    assert json.loads(text)["client_seed"] == "heather"
    assert json.loads(text)["receipt"] == made.receipt


async def test_several_draws_at_once_are_those_that_come_one_by_one(database: Database, desk: OddsDesk) -> None:
    wanted = [Wanted("pity", USER), Wanted("bonus", USER, cell="whale"), *[Wanted("pity", USER)] * 4]

    async def together(db: Db) -> list[Result]:
        opening = await draws.open_draws(db, desk, USER, ["pity", "bonus"], now=NOON)
        first = await opening.draw(db, wanted[:2], now=NOON)
        return [*first, *await opening.draw(db, wanted[2:], now=NOON)]

    async def one_by_one(db: Db) -> None:
        singly.extend([await draws.draw(db, desk, each, now=NOON) for each in wanted])
        raise ZeroDivisionError

    singly: list[Result] = []
    with pytest.raises(ZeroDivisionError):
        await database.run(one_by_one)
    made = await database.run(together)

    assert [replace(each, draw_id=0) for each in made] == [replace(each, draw_id=0) for each in singly]
    assert [each.nonce for each in made] == [1, 2, 3, 4, 5, 6]
    after = await drawn(database, desk, "pity", USER)
    assert (after.nonce, after.state) == (7, made[-1].outcome.next_state)


async def test_pity_is_certain_with_the_ceiling_and_survives_a_new_table(database: Database, desk: OddsDesk) -> None:
    made = [await drawn(database, desk, "pity", USER) for _ in range(40)]

    luck = [at for at, result in enumerate(made) if result.outcome.name == "star"]
    assert luck[0] <= 4
    assert all(after - before <= 5 for before, after in pairwise(luck))


@pytest.mark.parametrize(
    ("product", "more", "refused"),
    [
        ("nothing", {}, refusals.ProductMissing),
        ("coin-toss", a_stake("edge"), refusals.InvalidBet),
        ("coin-toss", a_stake("heads", -10), refusals.InvalidBet),
        ("coin-toss", a_stake("heads", 0), refusals.InvalidBet),
        ("coin-toss", a_stake("heads", 11), refusals.InvalidBet),
        ("coin-toss", {**a_stake("heads"), "currency": Currency.GEM}, refusals.InvalidBet),
        ("coin-toss", {**a_stake("heads"), "currency": None}, refusals.InvalidBet),
        ("trial", {"currency": Currency.GEM}, refusals.InvalidBet),
        ("bonus", {"cell": "nobody"}, refusals.InvalidBet),
        ("bonus", {}, refusals.InvalidBet),
    ],
)
async def test_a_draw_that_may_not_be_takes_nothing(
    database: Database, desk: OddsDesk, product: str, more: dict[str, Any], refused: type[Refused]
) -> None:
    with pytest.raises(refused):
        await drawn(database, desk, product, USER, **more)

    async with database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM odds_draws") == 0
        assert await db.fetchval("SELECT next_nonce FROM odds_seeds") == 1


async def test_without_a_promise_and_a_choice_nothing_is_drawn(database: Database, desk: OddsDesk) -> None:
    with pytest.raises(refusals.SeedMissing):
        await drawn(database, desk, "trial", 8)

    await database.run(lambda db: seeds.promise(db, desk, 8, now=NOON))

    with pytest.raises(refusals.ClientSeedMissing):
        await drawn(database, desk, "trial", 8)


async def test_content_is_drawn_by_those_of_age_alone(database: Database, desk: OddsDesk) -> None:
    items = [{"id": "scene", "tier": "epic", "prize": {"kind": "CONTENT_UNLOCK", "amount": 3}}]
    await make_live(database, a_table(odds.prizes((1, [1]), items=items, product="scenes")))

    with pytest.raises(refusals.ContentNeedsAge):
        await drawn(database, desk, "scenes", USER)

    assert (await drawn(database, desk, "scenes", USER, is_of_age=True)).outcome.name == "scene"


async def test_who_the_user_is_changes_nothing_but_their_own_seeds_do(database: Database, desk: OddsDesk) -> None:
    """The same seed and nonce draw the same for anybody: a user's number is not part of the chance."""
    mine = [(await drawn(database, desk, "small-slot", USER, **a_stake("spin", stake))) for stake in (10, 500)]
    async with database.transaction() as db:
        await db.execute("UPDATE odds_seeds SET next_nonce = 1, user_id = 99")
        await db.execute("ALTER TABLE odds_draws DROP CONSTRAINT odds_draws_commit_id_nonce_key")

    others = [(await drawn(database, desk, "small-slot", 99, **a_stake("spin", stake))) for stake in (1_000, 10)]

    assert [result.outcome.name for result in others] == [result.outcome.name for result in mine]


async def test_promises_are_chained_in_public_and_do_not_say_to_whom(database: Database, desk: OddsDesk) -> None:
    await asyncio.gather(*(seeded(database, desk, user_id) for user_id in range(100, 110)))

    async with database.connection() as db:
        listed = await seed_store.commitments(db, after=0, limit=100)
        open_seeds = await db.fetchval("SELECT count(DISTINCT user_id) FROM odds_seeds")

    previous = BEFORE_THE_FIRST
    for entry in listed:
        previous = commitment_hash(
            previous,
            sequence=entry.sequence,
            commit_id=str(entry.commit_id),
            seed_hash=entry.seed_hash,
            committed_us=to_us(entry.committed_at),
        )
        assert previous == entry.hash
    assert [entry.sequence for entry in listed] == list(range(1, 12))
    assert open_seeds == 11


async def test_a_user_is_promised_one_seed_however_often_they_ask_at_once(database: Database) -> None:
    desk = a_desk()

    promised = await asyncio.gather(
        *(database.run(lambda db: seeds.promise(db, desk, USER, now=NOON)) for _ in range(8))
    )

    assert len({seed.commit_id for seed in promised}) == 1


async def test_an_unused_seed_is_not_revealed(database: Database, desk: OddsDesk) -> None:
    with pytest.raises(refusals.SeedUnused):
        await database.run(lambda db: seeds.rotate(db, desk, UserSubject(USER), now=NOON))


@pytest.mark.parametrize("table", ["odds_draws", "odds_commitments", "odds_tables"])
async def test_what_was_published_or_drawn_can_not_be_changed(database: Database, desk: OddsDesk, table: str) -> None:
    await drawn(database, desk, "trial", USER)

    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with database.transaction() as db:
                await db.execute(statement)


async def test_a_seed_lies_sealed_until_it_is_revealed(database: Database, desk: OddsDesk) -> None:
    async with database.connection() as db:
        [row] = await db.fetch("SELECT * FROM odds_seeds")

    seed = desk.seeds.open(row["commit_id"], row["sealed"])
    assert row["server_seed"] is None
    assert seed not in row["sealed"]
    assert seed.hex().encode() not in row["sealed"]


async def test_a_client_seed_counts_from_the_next_draw_on(database: Database, desk: OddsDesk) -> None:
    before = await drawn(database, desk, "trial", USER)
    await seeded(database, desk, USER, "another")
    await seeded(database, desk, USER, "third")
    after = await drawn(database, desk, "trial", USER)
    await database.run(lambda db: seeds.rotate(db, desk, UserSubject(USER), now=NOON))

    used = [
        json.loads(await proof_of(database, desk, USER, result.draw_id))["client_seed"] for result in (before, after)
    ]

    assert used == ["clover", "third"]


async def test_who_goes_takes_their_words_along_and_leaves_the_draws(database: Database, desk: OddsDesk) -> None:
    await seeded(database, desk, 8, "somebody-else")
    await drawn(database, desk, "pity", USER)
    stores = Stores(database, RedisHotStore(NOWHERE), {}, LogFiles(Path("nowhere")))
    reach = Reach(stores, Vault(VAULT_SECRET), ())
    handed = [record async for record in export_draws.records(reach, USER)]

    await erase_odds.run(reach, Erased(USER, 0, NOON))
    await erase_odds.run(reach, Erased(USER, 0, NOON))

    assert [(record["product"], record["client_seed"]) for record in handed] == [("pity", "clover")]
    async with database.connection() as db:
        assert await db.fetchval("SELECT array_agg(client_seed) FROM odds_client_seeds") == ["somebody-else"]
        assert await db.fetchval("SELECT count(*) FROM odds_states") == 0
        assert await db.fetchval("SELECT count(*) FROM odds_draws") == 1
