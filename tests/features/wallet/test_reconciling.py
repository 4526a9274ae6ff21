"""Tokens are reconciled by ledger and by log, each from its own rows; whatever was done to either is seen."""

from datetime import timedelta

import pytest

from casino_club.features.wallet.commands import reconciling as commands
from casino_club.features.wallet.commands.reconciling import reconcile_all
from casino_club.features.wallet.rules.accounts import House, Pocket, account_of
from casino_club.features.wallet.rules.orders import Give, Take
from casino_club.features.wallet.store import reconciling as store
from casino_club.features.wallet.store.reconciling import Reconciliation
from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from casino_club.infra.jobs.runs import Run
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import Role, Scope
from tests.builders.actions import NOON, a_log, a_policy, a_row, record
from tests.features.actions.club import a_key
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.wallet.purse import Purse, a_wallet_policy
from tests.features.wallet.test_checking import Ending, again

__all__ = ["house"]

ZONE = "Asia/Seoul"
PARTNER = Give(Pocket.PARTNER_TOKENS, 30, House.PARTNER, "event 1")
CASH = Give(Pocket.CASH_TOKENS, 50, House.PAYMENTS, "payment 1")
APP = Give(Pocket.APP_TOKENS, 15, House.GAMES, "round 1"), Give(Pocket.APP_TOKENS, 5, House.GRANTS, "grant 1")


def tokens(amount: int, to: House = House.GOODS) -> Take:
    return Take(Currency.CYBER_TOKEN, amount, to)


async def live(purse: Purse, user_id: int = 7) -> None:
    """One of everything that can happen to tokens: 100 come, 100 go, 60 come back, 40 are refunded."""
    await purse.post(PARTNER, user_id=user_id)
    await purse.post(CASH, user_id=user_id)
    wrong = await purse.post(tokens(60), user_id=user_id)
    await purse.correct(wrong.tx_id)
    await purse.post(tokens(40, House.GAMES), *APP, user_id=user_id)
    await purse.refund(Pocket.CASH_TOKENS, "payment 1", user_id=user_id)


@pytest.fixture
async def purse(database: Database) -> Purse:
    await a_log(database).make_room()
    purse = Purse(database, a_wallet_policy())
    await purse.post(PARTNER, user_id=8)
    await live(purse)
    return purse


async def a_run(database: Database, night: int = 0) -> Run:
    async with database.transaction() as db:
        made = await runs.add(db, "reconcile_tokens", NOON + timedelta(days=night))
        assert made is not None
        run = await runs.claim(db, "reconcile_tokens", made.due_at, lease_seconds=600)
        assert run is not None
        return run


async def reconciled(database: Database, night: int = 0) -> Reconciliation:
    """What a night's reconciliation came to."""
    run = await a_run(database, night)
    await reconcile_all(database, run, now=NOON, zone=ZONE)
    async with database.transaction() as db:
        await runs.finish(db, run)
        [last] = await store.reconciliations(db, before_id=None, limit=1)
    return last


def account(found: Reconciliation) -> tuple[int, ...]:
    return found.previous, found.earned, found.spent, found.corrected, found.balance


async def test_what_there_was_with_what_came_and_without_what_went_is_what_there_is(purse: Purse) -> None:
    first = await reconciled(purse.database)
    await purse.post(tokens(5))
    second = await reconciled(purse.database, night=1)
    third = await reconciled(purse.database, night=2)

    assert account(first) == (0, 130, 100, 20, 50)
    assert account(second) == (50, 0, 5, 0, 45)
    assert account(third) == (45, 0, 0, 0, 45)
    assert [each.differing for each in (first, second, third)] == [0, 0, 0]


PLANTED = {
    "the ledger's balance was changed": (
        f"UPDATE ledger_accounts SET balance = balance + 5 WHERE id = {account_of(7, Pocket.APP_TOKENS)}",
        "ledger: 0 + 100 - 100 + 20 is 20, not 25",
    ),
    "an entry is gone": (
        f"DELETE FROM ledger_entries WHERE account_id = {account_of(7, Pocket.APP_TOKENS)} AND amount = 15",
        "earned is 85 in the ledger and 100 in the log",
    ),
    "the log was told of more": (
        """UPDATE user_actions SET metadata = metadata || '{"spent_tokens": 61}'
           WHERE action_type = 'SPEND_CYBER_TOKENS' AND metadata @> '{"spent_tokens": 60}'""",
        "log: 0 + 100 - 101 + 20 is 19, not 20",
    ),
    "the log was not told of a correction": (
        "DELETE FROM user_actions WHERE id = (SELECT max(id) FROM user_actions)",
        "balance is 20 in the ledger and 60 in the log",
    ),
    "the last balance that the log has is another": (
        """UPDATE user_actions SET metadata = metadata || '{"token_balance": 21}'
           WHERE id = (SELECT max(id) FROM user_actions)""",
        "balance is 20 in the ledger and 21 in the log",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
async def test_whatever_was_done_to_ledger_or_log_is_an_example(purse: Purse, name: str) -> None:
    plant, example = PLANTED[name]
    async with purse.database.transaction() as db:
        await db.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ALL")
        await db.execute(plant)

    found = await reconciled(purse.database)

    assert (found.users, found.differing) == (2, 1)
    assert found.examples[0].startswith("user 7: ")
    assert example in found.examples[0]


async def test_what_differs_differs_every_night_until_it_is_mended(purse: Purse) -> None:
    plant, _ = PLANTED["the last balance that the log has is another"]
    async with purse.database.transaction() as db:
        await db.execute(plant)

    nights = [(await reconciled(purse.database, night)).differing for night in range(2)]

    assert nights == [1, 1]


async def test_rows_of_another_wallet_are_no_difference(purse: Purse) -> None:
    elsewhere = a_row(7, action_type="EARN_CYBER_TOKENS", metadata={"earned_tokens": 500, "source": "partner"})
    await record(a_log(purse.database), [elsewhere], now=NOON, policy=a_policy())

    found = await reconciled(purse.database)

    assert (account(found), found.differing) == ((0, 130, 100, 20, 50), 0)


async def test_a_reconciliation_that_is_cut_short_goes_on_and_counts_nobody_twice(
    purse: Purse, database_url: str
) -> None:
    for user_id in (9, 10):
        await live(purse, user_id)
    run = await a_run(purse.database)

    for runs_before_it_ends in (1, 2):
        async with Ending(database_url, connections_max=1, runs=runs_before_it_ends) as database:
            with pytest.raises(ConnectionResetError):
                await one_at_a_time(database, await again(purse.database, run))
    await one_at_a_time(purse.database, await again(purse.database, run))
    await one_at_a_time(purse.database, await again(purse.database, run))

    async with purse.database.connection() as db:
        [found] = await store.reconciliations(db, before_id=None, limit=1)
        [day] = await store.days_between(db, NOON.date(), NOON.date())
    assert (found.users, account(found)) == (4, (0, 330, 300, 60, 90))
    assert (day.earned_partner, day.spent_partner) == (4 * 30, 3 * 30)


async def test_a_reconciliation_that_had_ended_before_its_run_did_is_not_made_again(purse: Purse) -> None:
    run = await a_run(purse.database)

    for _ in range(2):
        await reconcile_all(purse.database, await again(purse.database, run), now=NOON, zone=ZONE)

    async with purse.database.connection() as db:
        [found] = await store.reconciliations(db, before_id=None, limit=1)
    assert (found.users, found.balance) == (2, 50)


async def one_at_a_time(database: Database, run: Run) -> None:
    await reconcile_all(database, run, now=NOON, zone=ZONE, users_at_once=1)


async def test_tokens_of_the_partner_are_followed_from_the_lot_to_the_day(house: people.House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    service = await a_key(house.database, "partner", [Scope.WALLET_READ])
    purse = Purse(house.database, a_wallet_policy())
    earned = await purse.post(Give(Pocket.PARTNER_TOKENS, 7, House.PARTNER, "event 0"), user_id=person.user_id)
    await purse.correct(earned.tx_id)
    await purse.post(PARTNER, user_id=person.user_id)
    undone = await purse.post(tokens(5), user_id=person.user_id)
    await purse.correct(undone.tx_id)
    await purse.post(tokens(12), user_id=person.user_id)
    await reconciled(house.database)

    own = (await person.send("GET", "/api/wallet/partner-tokens")).json()
    by_staff = (await support.send("GET", f"/api/admin/wallets/{person.user_id}/partner-tokens")).json()
    there = f"/api/wallet/tokens/partner?user_id={person.user_id}"
    by_service = (await house.http.get(there, headers=service)).json()
    days = (await support.send("GET", "/api/admin/token-days?first=2026-11-20&last=2026-11-20")).json()
    too_many = await support.send("GET", "/api/admin/token-days?first=2026-11-20&last=2026-11-19")

    assert own == {"user_id": person.user_id, "earned": 37, "spent": 12, "taken_back": 7, "left": 18}
    assert by_staff == by_service == own
    assert days["days"] == [
        {
            "day": "2026-11-20",
            "earned_partner": 37,
            "earned_app": 0,
            "earned_cash": 0,
            "spent": 12,
            "spent_partner": 12,
            "taken_back_partner": 7,
        }
    ]
    assert (days["earned_partner"], days["spent_partner"]) == (37, 12)
    assert (too_many.status_code, too_many.json()["code"]) == (422, "too_many_days")


async def test_staff_see_the_nights_and_any_users_tokens_and_an_alarm_goes_off(house: people.House) -> None:
    person, admin = await house.person(), await house.staff(Role.ADMIN)
    purse = Purse(house.database, a_wallet_policy())
    await live(purse, person.user_id)
    there = f"/api/admin/wallets/{person.user_id}/tokens"
    before = (await admin.send("GET", there)).json()
    async with house.database.transaction() as db:
        await db.execute("UPDATE ledger_accounts SET balance = balance + 1 WHERE balance = 20 AND id > 0")
    await reconciled(house.database)

    [night] = (await admin.send("GET", "/api/admin/token-reconciliations")).json()["reconciliations"]
    after = (await admin.send("GET", there)).json()
    metrics = (await house.http.get("/metrics")).text

    assert before["ledger"] == before["log"]
    assert before["ledger"] == {"previous": 0, "earned": 100, "spent": 100, "corrected": 20, "balance": 20}
    assert before["differences"] == []
    assert (night["differing"], night["tokens"]["balance"]) == (1, 21)
    assert night["examples"] == [
        f"user {person.user_id}: ledger: 0 + 100 - 100 + 20 is 20, not 21; "
        "balance is 21 in the ledger and 20 in the log"
    ]
    assert "previous is 21 in the ledger and 20 in the log" in after["differences"]
    assert "casino_club_tokens_differing_users 1.0" in metrics


async def test_before_the_first_night_there_is_nothing_to_tell(database: Database) -> None:
    async with database.connection() as db:
        assert await commands.differing(db) is None
