"""What the hot store shows of a wallet is what the wallet holds, after random orders and after a rebuild."""

import random

import pytest

from casino_club.features.wallet.jobs import wallet
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.hot import HOT_NAMES
from casino_club.features.wallet.rules.orders import Claim, Give, Move, Take
from casino_club.features.wallet.rules.refusals import AlreadyCorrected, InsufficientFunds
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import rebuild
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.rebuilder import run
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON, a_log, a_policy, a_row, record
from tests.features.wallet.purse import Purse, a_wallet_policy
from tests.infra.log.following import catch_up

USERS = range(1, 9)
STEPS = 120
TOKENS = (Pocket.PARTNER_TOKENS, Pocket.APP_TOKENS, Pocket.CASH_TOKENS)

Shown = dict[int, list[str | None]]


def a_move(rng: random.Random, step: int) -> Move:
    return rng.choice(
        (
            Give(Pocket.PARTNER_TOKENS, rng.randint(1, 50), House.PARTNER, f"event {step}"),
            Give(Pocket.APP_TOKENS, rng.randint(1, 50), House.GRANTS, f"grant {step}"),
            Give(Pocket.CASH_TOKENS, rng.randint(1, 50), House.PAYMENTS, f"payment {step}"),
            Give(Pocket.PENDING_GEMS, rng.randint(1, 9), House.GRANTS, f"grant {step}"),
            Take(Currency.CYBER_TOKEN, rng.randint(1, 60), House.GAMES),
            Claim(rng.randint(1, 9), f"claim {step}"),
        )
    )


async def write_history(purse: Purse, rng: random.Random) -> None:
    """Orders and corrections; what the user can't pay for is refused, and that is all right."""
    posted: list[int] = []
    for step in range(STEPS):
        try:
            if posted and rng.random() < 0.15:
                await purse.correct(rng.choice(posted))
            else:
                moves = [a_move(rng, step) for _ in range(rng.randint(1, 2))]
                posted.append((await purse.post(*moves, user_id=rng.choice(USERS))).tx_id)
        except (InsufficientFunds, AlreadyCorrected):
            continue


async def held(purse: Purse) -> Shown:
    """From the accounts alone; None of what the log has never told."""
    expected: Shown = {}
    told = await _told(purse.database)
    for user_id in USERS:
        pockets = await purse.holds(user_id)
        tokens, gems = sum(pockets.get(each, 0) for each in TOKENS), pockets.get(Pocket.PENDING_GEMS, 0)
        tells = {kind for user, kind in told if user == user_id}
        expected[user_id] = [str(tokens) if "tokens" in tells else None, str(gems) if "gems" in tells else None]
    return expected


async def _told(database: Database) -> list[tuple[int, str]]:
    async with database.connection() as db:
        rows = await db.fetch(
            "SELECT DISTINCT user_id, CASE WHEN action_type LIKE 'GEMS%' THEN 'gems' ELSE 'tokens' END"
            " FROM user_actions"
        )
    return [(row[0], row[1]) for row in rows]


async def shown(store: RedisHotStore) -> Shown:
    return {user: [(await store.read(user, HOT_NAMES))[name] for name in HOT_NAMES] for user in USERS}


@pytest.mark.parametrize("page_rows", [3, 5_000])
async def test_hot_values_are_what_the_accounts_hold(
    database: Database, hot_store: RedisHotStore, page_rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - a failure is run again with it
    await a_log(database).make_room()
    purse, stores = Purse(database, a_wallet_policy()), Stores(database, hot_store)
    await write_history(purse, random.Random(seed))

    await catch_up(wallet, stores, page_rows=page_rows)

    assert await shown(hot_store) == await held(purse)


async def test_a_rebuild_of_hot_values_comes_to_the_same(database: Database, hot_store: RedisHotStore) -> None:
    await a_log(database).make_room()
    purse, stores = Purse(database, a_wallet_policy()), Stores(database, hot_store)
    await write_history(purse, random.Random(3))
    await catch_up(wallet, stores)
    await hot_store.redis.flushall()
    async with database.transaction() as db:
        await rebuild.ask(db, "wallet")

    assert await run(wallet, stores)

    assert await shown(hot_store) == await held(purse)


async def test_rows_of_another_wallet_leave_what_is_shown_alone(database: Database, hot_store: RedisHotStore) -> None:
    log, stores = a_log(database), Stores(database, hot_store)
    await log.make_room()
    await Purse(database, a_wallet_policy()).post(Give(Pocket.PARTNER_TOKENS, 30, House.PARTNER, "event 1"), user_id=1)
    metadata = {"earned_tokens": 5, "source": "partner"}
    elsewhere = [a_row(user, action_type="EARN_CYBER_TOKENS", metadata=metadata) for user in (1, 2)]
    await record(log, elsewhere, now=NOON, policy=a_policy())

    await catch_up(wallet, stores)

    assert await hot_store.read(1, HOT_NAMES) == {"cyber_token_balance": "30", "pending_gems": None}
    assert await hot_store.read(2, HOT_NAMES) == {"cyber_token_balance": None, "pending_gems": None}
