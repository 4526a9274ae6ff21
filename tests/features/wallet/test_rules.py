"""What orders become, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.wallet.rules.accounts import House, Pocket, account_of, house_account, house_of, pocket_of
from casino_club.features.wallet.rules.edges import EDGES, Edge
from casino_club.features.wallet.rules.orders import Claim, Decision, Give, Lot, Move, Order, Take, decide
from casino_club.features.wallet.rules.plain import plain
from casino_club.features.wallet.rules.refusals import AmountInvalid, EdgeForbidden, InsufficientFunds
from casino_club.features.wallet.rules.undoing import emptied, mirrored
from casino_club.kernel.money import AMOUNT_MAX, Currency

TOKENS = (
    Lot(11, Pocket.CASH_TOKENS, 50),
    Lot(12, Pocket.PARTNER_TOKENS, 30),
    Lot(13, Pocket.CASH_TOKENS, 20),
)
HELD = {Pocket.COINS: 500, Pocket.CASH_TOKENS: 70, Pocket.PARTNER_TOKENS: 30, Pocket.PENDING_GEMS: 4}


def decided(*moves: Move, closed: frozenset[Edge] = frozenset()) -> Decision:
    order = Order("test", 7, moves)
    return decide(order, balances=HELD, lots=TOKENS, tx_id=3, stripe=3, closed=closed)


def sums(decision: Decision) -> set[int]:
    """What the entries of each currency sum to."""
    found = dict.fromkeys(Currency, 0)
    for entry in decision.entries:
        pocket = pocket_of(entry.account_id)
        currency = pocket.currency if pocket is not None else tuple(Currency)[(-1 - entry.account_id) // 64 % 3]
        found[currency] += entry.amount
    return set(found.values())


@given(st.integers(1, 2**59), st.sampled_from(Pocket))
def test_a_users_account_tells_its_pocket_and_is_nobody_elses(user_id: int, pocket: Pocket) -> None:
    assert pocket_of(account_of(user_id, pocket)) is pocket
    assert house_of(account_of(user_id, pocket)) is None
    assert account_of(user_id, pocket) // 8 == user_id


def test_every_stripe_of_the_house_has_an_account_of_its_own() -> None:
    stripes = {
        house_account(house, currency, stripe=stripe): house
        for house in House
        for currency in Currency
        for stripe in range(64)
    }

    assert sorted(stripes) == list(range(-8 * 3 * 64, 0))
    assert all(house_of(account) is house for account, house in stripes.items())


def test_a_stake_and_its_winnings_stand_beside_each_other() -> None:
    made = decided(Take(Currency.COIN, 100, House.GAMES), Give(Pocket.COINS, 250, House.GAMES, "round 1"))

    assert [entry.amount for entry in made.entries] == [-100, 100, -250, 250]
    assert [entry.balance_after for entry in made.entries] == [400, None, None, 650]
    assert made.account_changes[account_of(7, Pocket.COINS)] == 150


def test_the_oldest_lots_are_spent_first_whatever_their_pocket() -> None:
    made = decided(Take(Currency.CYBER_TOKEN, 90, House.GOODS))

    assert made.lot_changes == {11: -50, 12: -30, 13: -10}


def test_a_closed_way_is_passed_by_where_other_pockets_can_pay() -> None:
    closed: frozenset[Edge] = frozenset({(Pocket.CASH_TOKENS, House.GAMES)})

    made = decided(Take(Currency.CYBER_TOKEN, 30, House.GAMES), closed=closed)

    assert made.lot_changes == {12: -30}
    with pytest.raises(InsufficientFunds) as refused:
        decided(Take(Currency.CYBER_TOKEN, 31, House.GAMES), closed=closed)
    assert refused.value.available == 30


@pytest.mark.parametrize("move", [Take(Currency.GEM, 1, House.GAMES), Give(Pocket.PAID_GEMS, 1, House.GRANTS, "gift")])
def test_no_order_opens_a_way_that_does_not_exist(move: Move) -> None:
    with pytest.raises(EdgeForbidden):
        decided(move)


def test_no_way_leads_from_gems_to_stakes() -> None:
    targets = {target for source, target in EDGES if isinstance(source, Pocket) and source.currency is Currency.GEM}

    assert targets == {House.PAYMENTS, House.GOODS, House.PULLS, House.CORRECTIONS, House.GRANTS, Pocket.FREE_GEMS}


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, True, 1.5, "5"])
def test_only_whole_amounts_above_zero_are_moved(amount: int) -> None:
    with pytest.raises(AmountInvalid):
        decided(Take(Currency.COIN, amount, House.GOODS))


def test_what_is_not_there_is_not_spent() -> None:
    with pytest.raises(InsufficientFunds, match="501 COIN, and 500"):
        decided(Take(Currency.COIN, 501, House.GOODS))


def test_winnings_serve_the_stake_behind_them_and_not_the_one_before() -> None:
    won, stake = Give(Pocket.COINS, 10, House.GAMES, "round 1"), Take(Currency.COIN, 505, House.GAMES)

    with pytest.raises(InsufficientFunds):
        decided(stake, won)
    assert decided(won, stake).entries[-2].balance_after == 5


def test_claimed_gems_leave_the_pending_ones_and_come_in_as_a_lot() -> None:
    made = decided(Claim(4, "grant 9"))

    changes = [(pocket_of(entry.account_id), entry.amount) for entry in made.entries]
    assert changes == [(Pocket.PENDING_GEMS, -4), (Pocket.FREE_GEMS, 4)]
    assert made.new_lots[0].origin == "grant 9"


@given(st.lists(st.tuples(st.sampled_from(sorted(EDGES, key=str)), st.integers(1, 40)), max_size=6))
def test_whatever_is_decided_sums_to_zero_in_every_currency(ways: list[tuple[Edge, int]]) -> None:
    moves: list[Move] = []
    for (source, target), amount in ways:
        if isinstance(source, House):
            assert isinstance(target, Pocket)
            moves.append(Give(target, amount, source, "x"))
        elif isinstance(target, House) and source is not Pocket.PENDING_GEMS:
            moves.append(Take(source.currency, amount, target, (source,)))
        else:
            moves.append(Claim(amount, "x"))
    try:
        made = decided(*moves)
    except InsufficientFunds:
        return

    assert sums(made) == {0}


@given(
    st.integers(0, 200),
    st.lists(st.tuples(st.sampled_from([House.GAMES, House.GOODS, House.GRANTS]), st.integers(1, 99)), min_size=1),
)
def test_coins_moved_at_once_are_moved_as_step_by_step(held: int, ways: list[tuple[House, int]]) -> None:
    moves = [
        Give(Pocket.COINS, amount, house, "x")
        if (amount % 2 and house is not House.GOODS) or house is House.GRANTS
        else Take(Currency.COIN, amount, house)
        for house, amount in ways
    ]
    order = Order("test", 7, tuple(moves))

    at_once = plain(order, stripe=3, closed=frozenset())

    assert at_once is not None
    try:
        made = decide(order, balances={Pocket.COINS: held}, lots=(), tx_id=3, stripe=3)
    except InsufficientFunds:
        assert held < at_once.needed
        return
    end = held + at_once.gained
    shown = [
        each if each.balance_after is None else each._replace(balance_after=end - each.balance_after)
        for each in at_once.entries
    ]
    assert held >= at_once.needed
    assert tuple(shown) == made.entries
    assert at_once.house_changes | {account_of(7, Pocket.COINS): at_once.gained} == made.account_changes


@pytest.mark.parametrize("moves", [(), (Claim(4, "grant 9"),), (Take(Currency.CYBER_TOKEN, 1, House.GAMES),)])
def test_only_coins_are_moved_at_once(moves: tuple[Move, ...]) -> None:
    stake = Take(Currency.COIN, 1, House.GAMES)

    assert plain(Order("test", 7, moves and (stake, *moves)), stripe=3, closed=frozenset()) is None


def test_a_mirror_brings_everything_back_lot_by_lot() -> None:
    made = decided(Take(Currency.CYBER_TOKEN, 60, House.GOODS))
    lots = {11: Lot(11, Pocket.CASH_TOKENS, 0), 12: Lot(12, Pocket.PARTNER_TOKENS, 20)}

    undone = mirrored(made.entries, balances={Pocket.CASH_TOKENS: 20, Pocket.PARTNER_TOKENS: 20}, lots=lots)

    assert undone.lot_changes == {11: 50, 12: 10}
    assert sums(undone) == {0}


def test_what_was_spent_meanwhile_is_not_taken_back() -> None:
    made = decided(Give(Pocket.CASH_TOKENS, 40, House.PAYMENTS, "payment 1"))
    lot = made.new_lots[0]

    with pytest.raises(InsufficientFunds):
        mirrored(made.entries, balances={Pocket.CASH_TOKENS: 100}, lots={lot.id: Lot(lot.id, Pocket.CASH_TOKENS, 39)})


def test_a_refund_takes_what_is_left_of_its_lot_and_no_more() -> None:
    made = emptied(7, Lot(11, Pocket.CASH_TOKENS, 35), to=House.PAYMENTS, held=70, stripe=1)

    assert made.lot_changes == {11: -35}
    assert made.entries[0].balance_after == 35
    assert emptied(7, Lot(11, Pocket.CASH_TOKENS, 0), to=House.PAYMENTS, held=70, stripe=1).entries == ()
