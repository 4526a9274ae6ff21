"""A market closes ways that money may take; whoever tries one all the same is refused, and nothing moves."""

import itertools

import pytest

from casino_club.entry.wiring import load_policies, wallet_policy_over
from casino_club.features.wallet.commands.posting import WalletPolicy
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.edges import EDGES, Edge, Place
from casino_club.features.wallet.rules.orders import Give, Move, Take
from casino_club.features.wallet.rules.refusals import EdgeForbidden, InsufficientFunds
from casino_club.infra.db.database import Database
from casino_club.infra.settings import Settings
from casino_club.kernel.money import Currency
from tests.builders.actions import a_log
from tests.features.wallet.purse import Purse

CASH = Give(Pocket.CASH_TOKENS, 50, House.PAYMENTS, "payment 1")
PARTNER = Give(Pocket.PARTNER_TOKENS, 30, House.PARTNER, "event 1")
PAID_GEMS = Give(Pocket.PAID_GEMS, 10, House.PAYMENTS, "payment 2")
WAYS: set[Edge] = {*itertools.product(Pocket, House), *itertools.product(House, Pocket)}
WRONG = sorted(WAYS - EDGES, key=str)


def policy_in(market: str) -> WalletPolicy:
    """What decides about money where this market is named."""
    settings = Settings(market=market)
    return wallet_policy_over(settings, load_policies(settings))


def reached_from(source: Place, policy: WalletPolicy) -> set[Place]:
    """Wherever money may get to by way of a user's pockets; what the house has, it has for good."""
    found, ahead = {source}, [source]
    for place in ahead:
        for target in [end for begin, end in EDGES - policy.closed if begin is place and end not in found]:
            found.add(target)
            ahead += [target] if isinstance(target, Pocket) else []
    return found


def led_on(policy: WalletPolicy) -> set[Place]:
    """The same, where pulls whose prizes can be staked give what any grant gives."""
    found = reached_from(House.PAYMENTS, policy)
    return found | reached_from(House.GRANTS, policy) if House.PULLS in found else found


def move_along(edge: Edge) -> Move:
    source, target = edge
    if isinstance(source, Pocket):
        assert isinstance(target, House)
        return Take(source.currency, 1, target, (source,))
    assert isinstance(target, Pocket)
    return Give(target, 1, source, "from nowhere")


async def a_purse(database: Database, market: str) -> Purse:
    """Somebody with money of every origin that is paid for or earned."""
    await a_log(database).make_room()
    purse = Purse(database, policy_in(market))
    await purse.post(CASH)
    await purse.post(PARTNER)
    await purse.post(PAID_GEMS)
    return purse


async def everything(purse: Purse) -> tuple[object, ...]:
    """All that a movement would change."""
    async with purse.database.connection() as db:
        rows = await db.fetch("SELECT (SELECT count(*) FROM ledger_txs), id, balance FROM ledger_accounts ORDER BY id")
    return await purse.told(), [tuple(row) for row in rows]


@pytest.mark.parametrize("market", ["kr", "default"])
def test_no_way_leads_from_what_was_paid_for_to_a_game_of_stakes(market: str) -> None:
    assert {House.GAMES, House.DUELS}.isdisjoint(reached_from(House.PAYMENTS, policy_in(market)))
    assert House.GAMES in reached_from(House.PAYMENTS, policy_in("eu"))


@pytest.mark.parametrize("market", ["kr", "default"])
def test_no_way_leads_there_by_way_of_pulls_either(market: str) -> None:
    assert House.GAMES not in led_on(policy_in(market))
    assert House.PULLS in reached_from(Pocket.FREE_GEMS, policy_in(market))
    assert House.PULLS in reached_from(House.PAYMENTS, policy_in("eu"))


async def test_in_korea_gems_that_were_paid_for_pay_for_no_such_pull(database: Database) -> None:
    purse = await a_purse(database, "kr")
    await purse.post(Give(Pocket.FREE_GEMS, 3, House.GRANTS, "gift"))

    pulled = await purse.post(Take(Currency.GEM, 3, House.PULLS))
    before = await everything(purse)
    with pytest.raises(InsufficientFunds):
        await purse.post(Take(Currency.GEM, 1, House.PULLS))
    with pytest.raises(EdgeForbidden):
        await purse.post(Take(Currency.GEM, 1, House.PULLS, (Pocket.PAID_GEMS,)))

    assert pulled.taken_from(Pocket.FREE_GEMS) == 3
    assert await everything(purse) == before


async def test_in_korea_tokens_that_were_paid_for_are_passed_by_and_never_staked(database: Database) -> None:
    purse = await a_purse(database, "kr")

    staked = await purse.post(Take(Currency.CYBER_TOKEN, 30, House.GAMES))
    before = await everything(purse)
    with pytest.raises(InsufficientFunds) as refused:
        await purse.post(Take(Currency.CYBER_TOKEN, 1, House.GAMES))
    with pytest.raises(EdgeForbidden):
        await purse.post(Take(Currency.CYBER_TOKEN, 1, House.GAMES, (Pocket.CASH_TOKENS,)))

    assert staked.taken_from(Pocket.PARTNER_TOKENS) == 30
    assert refused.value.available == 0
    assert await everything(purse) == before


async def test_where_the_market_lets_them_they_are_staked_oldest_first(database: Database) -> None:
    purse = await a_purse(database, "eu")

    staked = await purse.post(Take(Currency.CYBER_TOKEN, 30, House.GAMES))

    assert staked.taken_from(Pocket.CASH_TOKENS) == 30


async def test_along_a_wrong_way_nothing_moves(database: Database) -> None:
    purse = await a_purse(database, "eu")
    before = await everything(purse)

    for edge in WRONG:
        with pytest.raises(EdgeForbidden):
            await purse.post(move_along(edge))

    assert await everything(purse) == before
