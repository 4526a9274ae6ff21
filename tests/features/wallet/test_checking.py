"""What must always hold of the ledger is looked at, and each way of breaking it is seen."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import pytest

from casino_club.features.wallet.commands import checking as commands
from casino_club.features.wallet.commands.checking import PaymentBook, check
from casino_club.features.wallet.rules.accounts import House, Pocket, account_of, house_account
from casino_club.features.wallet.rules.invariants import Invariant, PaidFor
from casino_club.features.wallet.rules.orders import Claim, Give, Take
from casino_club.features.wallet.store import checking
from casino_club.infra.db.database import Database, Db
from casino_club.infra.inspections import Finding, Inspection, Inspections, Looked
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.runs import Run
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON, a_log
from tests.features.wallet.purse import Purse, a_wallet_policy

Found = dict[str, int]
Plant = Callable[[Db], Awaitable[object]]

T = TypeVar("T")

NO_INSPECTIONS = Inspections()

COINS = account_of(7, Pocket.COINS)
GAMES = house_account(House.GAMES, Currency.COIN, stripe=1)
UNGUARDED = (
    "ALTER TABLE ledger_txs DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
    "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_no_user_below_zero_check",
    "DROP INDEX ledger_txs_key_idx",
)


SETTLED = {"payment 1": PaidFor(7, {Pocket.CASH_TOKENS: 50}), "payment 2": PaidFor(7, {Pocket.PAID_GEMS: 5})}


async def _settled(_: Db, origins: Sequence[str]) -> dict[str, PaidFor]:
    return {origin: SETTLED[origin] for origin in origins if origin in SETTLED}


BOOK = PaymentBook(_settled)


@pytest.fixture
async def purse(database: Database) -> Purse:
    """A wallet that has seen one of everything."""
    await a_log(database).make_room()
    purse = Purse(database, a_wallet_policy())
    await purse.post(Give(Pocket.COINS, 1_000, House.GRANTS, "welcome"), user_id=8)
    await purse.post(Give(Pocket.COINS, 1_000, House.GRANTS, "welcome"), kind="welcome")
    await purse.post(Give(Pocket.CASH_TOKENS, 50, House.PAYMENTS, "payment 1"), kind="cash")
    await purse.post(Give(Pocket.PARTNER_TOKENS, 30, House.PARTNER, "event 1"), kind="partner")
    await purse.post(Give(Pocket.PENDING_GEMS, 10, House.GRANTS, "grant 1"), Claim(4, "grant 1"), kind="claim")
    wrong = await purse.post(Take(Currency.CYBER_TOKEN, 60, House.GOODS), kind="goods")
    await purse.correct(wrong.tx_id)
    bet = Take(Currency.COIN, 100, House.GAMES), Take(Currency.CYBER_TOKEN, 10, House.GAMES)
    await purse.post(*bet, Give(Pocket.APP_TOKENS, 20, House.GAMES, "round 1"), kind="round")
    await purse.refund(Pocket.CASH_TOKENS, "payment 1")
    return purse


async def a_run(database: Database, minutes: int = 0) -> Run:
    async with database.transaction() as db:
        made = await runs.add(db, "check_ledger", NOON + timedelta(minutes=minutes))
        assert made is not None
        run = await runs.claim(db, "check_ledger", made.due_at, lease_seconds=600)
        assert run is not None
        return run


async def broken(database: Database, inspections: Inspections = NO_INSPECTIONS) -> Found:
    """What a whole check finds."""
    await check(database, await a_run(database), BOOK, now=NOON, inspections=inspections)
    async with database.connection() as db:
        last = await checking.last_check(db)
        assert last is not None
        return {each: found.times for each, found in (await checking.broken(db, last.id)).items()}


def sql(*statements: str) -> Plant:
    async def plant(db: Db) -> None:
        for statement in statements:
            await db.execute(statement)

    return plant


OF = "(SELECT id FROM ledger_txs WHERE kind = '{}')".format
PLANTED = {
    "an entry is larger than its other side": (
        sql(
            f"UPDATE ledger_entries SET amount = 1001 WHERE tx_id = {OF('welcome')} AND account_id = {COINS}",
            f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {COINS}",
        ),
        {Invariant.SUMS_TO_ZERO, Invariant.HOUSE},
    ),
    "an entry is on another's account": (
        sql(
            f"UPDATE ledger_entries SET account_id = {account_of(8, Pocket.COINS)} WHERE account_id = {COINS}"
            f" AND tx_id = {OF('round')}"
        ),
        {Invariant.OF_ONE_TRANSACTION, Invariant.BALANCES},
    ),
    "a key had two effects": (
        sql(
            f"UPDATE ledger_txs SET idem_key = (SELECT idem_key FROM ledger_txs WHERE kind = 'welcome'), "
            f"idem_scope = 'test' WHERE id = {OF('cash')}"
        ),
        {Invariant.KEY_ONCE},
    ),
    "paid gems went into a game": (
        sql(
            f"UPDATE ledger_entries SET account_id = {house_account(House.GAMES, Currency.GEM, stripe=1)}"
            f" WHERE tx_id = {OF('claim')} AND account_id < 0"
        ),
        {Invariant.EDGES},
    ),
    "cash tokens came from nobody who paid": (
        sql(
            f"UPDATE ledger_entries SET account_id = {house_account(House.CORRECTIONS, Currency.CYBER_TOKEN, stripe=1)}"
            f" WHERE tx_id = {OF('cash')} AND account_id < 0"
        ),
        {Invariant.ORIGINS},
    ),
    "a partner token names no event": (
        sql("UPDATE ledger_lots SET origin = '' WHERE origin = 'event 1'"),
        {Invariant.ORIGINS},
    ),
    "a correction takes back less": (
        sql(
            "UPDATE ledger_entries SET amount = amount - sign(amount)::bigint"
            " WHERE tx_id = (SELECT id FROM ledger_txs WHERE corrects IS NOT NULL)"
        ),
        {Invariant.MIRRORED},
    ),
    "a balance is not what was entered": (
        sql(f"UPDATE ledger_accounts SET balance = balance + 5 WHERE id = {COINS}"),
        {Invariant.BALANCES, Invariant.HOUSE},
    ),
    "a user is below zero": (
        sql(f"UPDATE ledger_accounts SET balance = -5 WHERE id = {COINS}"),
        {Invariant.NOBODY_BELOW_ZERO, Invariant.BALANCES, Invariant.HOUSE},
    ),
    "a lot has more left than it should": (
        sql("UPDATE ledger_lots SET remaining = remaining - 1 WHERE origin = 'event 1'"),
        {Invariant.LOTS},
    ),
    "a lot is gone": (
        sql("DELETE FROM ledger_lots WHERE origin = 'round 1'"),
        {Invariant.LOTS, Invariant.ORIGINS},
    ),
    "a payment made two lots": (
        sql(
            "INSERT INTO ledger_lots SELECT id + 1, user_id, pocket, amount, 0, origin FROM ledger_lots"
            " WHERE origin = 'payment 1'"
        ),
        {Invariant.ORIGIN_ONCE},
    ),
    "nobody paid for what came in as paid": (
        sql("UPDATE ledger_lots SET origin = 'payment 9' WHERE origin = 'payment 1'"),
        {Invariant.PAYMENTS},
    ),
    "what came in is not what was paid for": (
        sql("UPDATE ledger_lots SET origin = 'payment 2' WHERE origin = 'payment 1'"),
        {Invariant.PAYMENTS},
    ),
    "the house holds what nobody gave": (
        sql(f"UPDATE ledger_accounts SET balance = balance + 5 WHERE id = {GAMES}"),
        {Invariant.HOUSE},
    ),
}


async def test_a_ledger_that_saw_one_of_everything_breaks_nothing(purse: Purse) -> None:
    assert await broken(purse.database) == {}

    async with purse.database.connection() as db:
        last = await checking.last_check(db)
        assert await commands.violations(db, NO_INSPECTIONS) == dict.fromkeys(Invariant, 0)
    assert last is not None
    assert (last.txs, last.users) == (9, 2)


@pytest.mark.parametrize("name", PLANTED)
async def test_each_way_of_breaking_it_is_seen(purse: Purse, name: str) -> None:
    plant, expected = PLANTED[name]
    async with purse.database.transaction() as db:
        await sql(*UNGUARDED)(db)
        await plant(db)

    found = await broken(purse.database)

    assert expected <= set(found), found


def test_every_invariant_is_seen_to_be_broken() -> None:
    assert {each for _, expected in PLANTED.values() for each in expected} == set(Invariant)


async def test_a_check_that_is_cut_short_goes_on_and_counts_nothing_twice(purse: Purse, database_url: str) -> None:
    async with purse.database.transaction() as db:
        await sql(*UNGUARDED, f"UPDATE ledger_accounts SET balance = balance + 5 WHERE id = {COINS}")(db)
    run = await a_run(purse.database)

    for runs_before_it_ends in (3, 3):
        async with Ending(database_url, connections_max=1, runs=runs_before_it_ends) as database:
            with pytest.raises(ConnectionResetError):
                await check_a_little_at_once(database, await again(purse.database, run))
    await check_a_little_at_once(purse.database, await again(purse.database, run))

    async with purse.database.connection() as db:
        last = await checking.last_check(db)
        assert last is not None
        found = await checking.broken(db, last.id)
    assert (last.txs, last.users) == (9, 2)
    assert {each: of_it.times for each, of_it in found.items()} == {Invariant.BALANCES: 1, Invariant.HOUSE: 1}


async def check_a_little_at_once(database: Database, run: Run) -> None:
    await check(database, run, BOOK, now=NOON, inspections=NO_INSPECTIONS, txs_at_once=2, users_at_once=1)


class Ending(Database):
    """A database that is there for so many transactions."""

    def __init__(self, url: str, *, connections_max: int, runs: int) -> None:
        super().__init__(url, connections_max=connections_max)
        self._left = runs

    async def run(self, work: Callable[[Db], Awaitable[T]], *, first: str = "") -> T:
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError
        return await super().run(work, first=first)


async def again(database: Database, run: Run) -> Run:
    """The run as the next worker finds it."""
    async with database.connection() as db:
        return run._replace(progress=await db.fetchval("SELECT progress FROM job_runs WHERE id = $1", run.id))


async def test_what_slices_above_look_at_is_checked_chunk_by_chunk_and_counted_with_the_rest(
    database: Database, purse: Purse
) -> None:
    asked: list[tuple[str, int]] = []

    def inspection(name: str, rows: int) -> Inspection:
        async def look(_: Db, after_id: int, limit: int) -> Looked:
            asked.append((name, after_id))
            last_id = after_id + 1 if after_id < rows else None
            return Looked([Finding(f"{name}_whole", f"row {after_id}")], last_id)

        return Inspection(name, {f"{name}_whole": "It is whole."}, look)

    inspections = Inspections((inspection("rounds", 2), inspection("draws", 0)))

    assert await broken(database, inspections) == {"rounds_whole": 3, "draws_whole": 1}
    assert asked == [("rounds", 0), ("rounds", 1), ("rounds", 2), ("draws", 0)]
    async with database.connection() as db:
        found = await commands.violations(db, inspections)
    assert {name: times for name, times in found.items() if times} == {"rounds_whole": 3, "draws_whole": 1}
