"""From an order to its end, whatever the provider says, says twice, says too late, or does not say."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from casino_club.features.actions.public import close_user
from casino_club.features.protection.commands import resting
from casino_club.features.shop.rules import refusals
from casino_club.features.shop.rules.purchases import LOOK_LAST, STUCK_AFTER_LOOKS, Because, State
from casino_club.features.shop.store import purchases
from casino_club.features.wallet.public import Pocket
from casino_club.infra.audit import deeds
from casino_club.infra.payments import Payment, PaymentState
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.shop.counter import DAY, MINUTE, SECOND, Counter

LATER = NOON + 16 * MINUTE
NOTHING: dict[str, int] = {}


async def test_money_becomes_gems_once_it_is_there(counter: Counter) -> None:
    pending = await counter.buy("package", quantity=2)
    held_before = await counter.holds()
    counter.bank.says(pending, PaymentState.PAID)

    settled = await counter.pursue(pending, now=NOON + SECOND)
    again = await counter.pursue(pending, now=NOON + 2 * SECOND)

    assert (pending.state, held_before) == (State.PENDING, NOTHING)
    assert (settled.state, settled.settled_at, again.settled_at) == (State.SETTLED, NOON + SECOND, NOON + SECOND)
    assert await counter.holds() == {"paid_gems": 200, "spins": 20}
    [(_, told)] = await counter.told("PURCHASE")
    assert '"amount": 21800' in told
    assert await counter.broken() == {}


async def test_whoever_hears_of_a_payment_at_once_it_is_handed_over_once(counter: Counter) -> None:
    pending = await counter.buy("package")
    counter.bank.says(pending, PaymentState.PAID)

    after = await asyncio.gather(*(counter.pursue(pending) for _ in range(20)))

    assert {each.state for each in after} == {State.SETTLED}
    assert await counter.holds() == {"paid_gems": 100, "spins": 10}
    assert len(await counter.told("PURCHASE")) == 1


async def test_a_refund_and_a_chargeback_at_once_are_one(counter: Counter) -> None:
    settled = await counter.paid()
    counter.bank.says(settled, PaymentState.PAID, refunded_krw=9_900)

    async def give_back() -> None:
        with suppress(refusals.NotRefundable):
            await counter.give_back(settled)

    await asyncio.gather(*(give_back() for _ in range(5)), *(counter.pursue(settled) for _ in range(5)))

    assert (await counter.kept(settled)).state is State.REFUNDED
    assert len(await counter.told("PURCHASE_REFUNDED")) == 1
    assert (await counter.holds(), await counter.counted_krw()) == (NOTHING, 0)
    assert await counter.broken() == {}


async def test_a_purchase_at_which_we_fail_keeps_no_other_waiting(counter: Counter) -> None:
    ill, well = await counter.buy(), await counter.buy("tokens-30")
    counter.bank.payments[ill.payment_key] = None  # type: ignore[assignment]  # the provider answers nonsense
    counter.bank.says(well, PaymentState.PAID)

    with pytest.raises(AttributeError):
        await counter.pursue_due(now=LATER)
    await counter.pursue_due(now=LATER + SECOND)

    assert (await counter.kept(ill)).state is State.PENDING
    assert await counter.holds() == {"cash_tokens": 30}


async def test_less_than_the_price_pays_for_nothing(counter: Counter) -> None:
    pending = await counter.buy()
    counter.bank.payments[pending.payment_key] = Payment(pending.payment_key, 9_899, PaymentState.PAID)

    await counter.pursue(pending)

    assert (await counter.kept(pending)).state is State.PENDING
    assert await counter.holds() == NOTHING


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shop_transactions SET price_krw = 1",
        "UPDATE shop_transactions SET user_id = 8",
        "UPDATE shop_transactions SET refunded_krw = 0",
        "UPDATE shop_transactions SET settled_at = NULL, state = 'pending'",
        "DELETE FROM shop_transactions",
        "TRUNCATE shop_transactions",
    ],
)
async def test_what_was_bought_stays_as_it_was(counter: Counter, statement: str) -> None:
    settled = await counter.paid()
    counter.bank.says(settled, PaymentState.PAID, refunded_krw=1_000)
    before = await counter.pursue(settled)

    with pytest.raises(asyncpg.RestrictViolationError):
        async with counter.database.transaction() as db:
            await db.execute(statement)

    assert await counter.kept(settled) == before


async def test_tokens_that_were_bought_are_cash_tokens(counter: Counter) -> None:
    await counter.paid("tokens-30")

    assert await counter.holds() == {"cash_tokens": 30}
    assert '"source": "cash"' in (await counter.told("EARN_CYBER_TOKENS"))[0][1]
    assert await counter.broken() == {}


async def test_what_fails_gives_back_all_that_it_had_taken(counter: Counter) -> None:
    pending = await counter.buy("last-ones", quantity=3)
    counter.bank.says(pending, PaymentState.FAILED)

    failed = await counter.pursue(pending)

    assert failed.state is State.FAILED
    assert (await counter.stock_taken(), await counter.counted_krw(), await counter.holds()) == (0, 0, NOTHING)
    assert (await counter.buy("last-ones", quantity=3)).state is State.PENDING


async def test_what_is_not_paid_in_time_is_cancelled_and_expires(counter: Counter) -> None:
    pending = await counter.buy("last-ones")

    await counter.pursue_due(now=LATER)

    assert (await counter.kept(pending)).state is State.EXPIRED
    assert (counter.bank.calls[-1], await counter.stock_taken(), await counter.counted_krw()) == ("cancel", 0, 0)


async def test_what_was_paid_at_the_last_moment_is_settled_and_not_cancelled(counter: Counter) -> None:
    pending = await counter.buy()
    counter.bank.says(pending, PaymentState.PAID)

    await counter.pursue_due(now=LATER)

    assert (await counter.kept(pending)).state is State.SETTLED
    assert await counter.holds() == {"paid_gems": 100}


async def test_money_that_comes_too_late_goes_back(counter: Counter) -> None:
    pending = await counter.buy("last-ones")
    await counter.pursue_due(now=LATER)
    counter.bank.says(pending, PaymentState.PAID)

    refunded = await counter.pursue(pending, now=LATER + MINUTE)

    assert (refunded.state, refunded.refund_because) == (State.REFUNDED, Because.LATE)
    assert (refunded.refunded_krw, counter.bank.calls[-1]) == (9_900, "refund")
    assert await counter.holds() == NOTHING
    assert await counter.told("PURCHASE", "PURCHASE_REFUNDED") == []
    assert (await counter.stock_taken(), await counter.counted_krw()) == (0, 0)


async def test_late_money_is_found_even_if_its_webhook_is_lost(counter: Counter) -> None:
    pending = await counter.buy()
    await counter.pursue_due(now=LATER)
    counter.bank.says(pending, PaymentState.PAID)

    await counter.pursue_due(now=LATER + DAY)

    assert (await counter.kept(pending)).state is State.REFUNDED


async def test_what_is_unknown_is_asked_for_and_not_done_again(counter: Counter) -> None:
    counter.bank.loses_answers = True

    unknown = await counter.buy()
    counter.bank.loses_answers = False
    await counter.pursue_due(now=NOON + MINUTE)

    assert unknown.state is State.UNKNOWN
    assert counter.bank.calls == ["create", "find"]
    assert (await counter.kept(unknown)).state is State.PENDING


async def test_what_never_reached_the_provider_is_begun_again_once_that_is_known(counter: Counter) -> None:
    counter.bank.is_away = True
    unknown = await counter.buy()

    await counter.pursue_due(now=NOON + MINUTE)
    still = await counter.kept(unknown)
    counter.bank.is_away = False
    await counter.pursue_due(now=NOON + 5 * MINUTE)

    assert (unknown.state, still.state) == (State.UNKNOWN, State.UNKNOWN)
    assert counter.bank.calls == ["create", "find", "find", "create"]
    assert (await counter.kept(unknown)).state is State.PENDING


async def test_a_provider_that_stays_away_expires_nothing_by_itself(counter: Counter) -> None:
    pending = await counter.buy()
    counter.bank.is_away = True

    await counter.pursue_due(now=LATER)

    kept = await counter.kept(pending)
    assert (kept.state, await counter.counted_krw()) == (State.PENDING, 9_900)
    assert kept.look_at is not None
    assert kept.look_at > LATER


async def test_who_may_be_given_nothing_any_more_has_their_money_back(counter: Counter) -> None:
    pending = await counter.buy()
    counter.bank.says(pending, PaymentState.PAID)
    policy = counter.desk.protection
    await counter.run(lambda db: resting.exclude(db, USER, months=6, now=NOON, policy=policy))

    refunded = await counter.pursue(pending)

    assert (refunded.state, refunded.refund_because) == (State.REFUNDED, Because.PROTECTED)
    assert (await counter.holds(), await counter.counted_krw()) == (NOTHING, 0)


async def test_money_of_somebody_who_is_gone_goes_back(counter: Counter) -> None:
    pending = await counter.buy()
    counter.bank.says(pending, PaymentState.PAID)
    await counter.run(lambda db: close_user(db, USER, at=NOON))

    refunded = await counter.pursue(pending)

    assert (refunded.state, refunded.refund_because) == (State.REFUNDED, Because.PROTECTED)


async def test_a_user_gives_back_what_they_have_not_used(counter: Counter) -> None:
    settled = await counter.paid("package")

    refunded = await counter.give_back(settled, now=NOON + 13 * DAY)
    again = await counter.give_back(settled, now=NOON + 30 * DAY)

    assert (refunded.state, refunded.refunded_krw, again.state) == (State.REFUNDED, 10_900, State.REFUNDED)
    assert (await counter.holds(), await counter.counted_krw()) == (NOTHING, 0)
    [(_, told)] = await counter.told("PURCHASE_REFUNDED")
    assert '"amount": 10900' in told
    assert f'"purchased_at": "{NOON:%Y-%m-%dT%H:%M:%SZ}"' in told
    assert counter.bank.calls.count("refund") == 1
    assert await counter.broken() == {}


async def test_a_refund_takes_the_lot_of_its_purchase_and_no_other(counter: Counter) -> None:
    first, second = await counter.paid(), await counter.paid()
    await counter.spend(40)

    with pytest.raises(refusals.PurchaseUsed):
        await counter.give_back(first)
    await counter.give_back(second)

    assert await counter.holds() == {"paid_gems": 60}
    assert await counter.broken() == {}


async def test_who_has_used_a_spin_of_a_package_has_used_it(counter: Counter) -> None:
    settled = await counter.paid("package")
    async with counter.database.transaction() as db:
        await db.execute("UPDATE free_spins SET spins = spins - 1")

    with pytest.raises(refusals.PurchaseUsed):
        await counter.give_back(settled)
    assert await counter.holds() == {"paid_gems": 100, "spins": 9}


async def test_after_the_days_of_the_market_users_ask_the_support(counter: Counter) -> None:
    settled = await counter.paid()

    with pytest.raises(refusals.RefundTooLate):
        await counter.give_back(settled, now=NOON + 14 * DAY)
    assert (await counter.refund(settled, now=NOON + 14 * DAY)).state is State.REFUNDED


async def test_what_costs_gems_is_not_refunded(counter: Counter) -> None:
    await counter.give(USER, Pocket.FREE_GEMS, 100)
    bought = await counter.buy("badge")

    with pytest.raises(refusals.NotRefundable):
        await counter.give_back(bought)
    with pytest.raises(refusals.NotRefundable):
        await counter.refund(bought)


async def test_staff_refund_what_was_used_and_take_what_is_left(counter: Counter) -> None:
    settled = await counter.paid()
    await counter.spend(40)

    refunded = await counter.refund(settled)

    assert (refunded.state, refunded.refund_because) == (State.REFUNDED, Because.STAFF)
    assert await counter.holds() == NOTHING
    async with counter.database.connection() as db:
        [deed] = await deeds.listed(db, limit=2)
    assert (deed.verb, deed.arguments["spent"]) == ("refund_purchase", 40)
    assert await counter.broken() == {}


async def test_while_the_provider_is_away_a_refund_waits_and_nothing_can_be_spent(counter: Counter) -> None:
    settled = await counter.paid()
    counter.bank.is_away = True

    refunding = await counter.give_back(settled)
    counter.bank.is_away = False
    await counter.pursue_due(now=NOON + MINUTE)

    assert (refunding.state, await counter.holds()) == (State.REFUNDING, NOTHING)
    assert (await counter.kept(settled)).state is State.REFUNDED
    assert len(await counter.told("PURCHASE_REFUNDED")) == 1


async def test_what_the_provider_leaves_open_is_counted_for_the_alarm(counter: Counter) -> None:
    settled = await counter.paid()
    counter.bank.is_away = True
    await counter.give_back(settled)
    for look in range(STUCK_AFTER_LOOKS - 1):  # Giving back was the first.
        async with counter.database.connection() as db:
            assert (await purchases.stuck(db))[State.REFUNDING] == 0
        assert await counter.pursue_due(now=NOON + (look + 1) * LOOK_LAST) == 1

    async with counter.database.connection() as db:
        assert (await purchases.stuck(db))[State.REFUNDING] == 1


async def test_a_chargeback_takes_what_is_left_and_leaves_no_debt(counter: Counter) -> None:
    settled = await counter.paid("tokens-30")
    await counter.spend(10, currency=Currency.CYBER_TOKEN)
    counter.bank.says(settled, PaymentState.PAID, refunded_krw=300)

    refunded = await counter.pursue(settled, now=NOON + DAY)
    again = await counter.pursue(settled, now=NOON + DAY)

    assert (refunded.state, refunded.refund_because) == (State.REFUNDED, Because.PROVIDER)
    assert again.state is State.REFUNDED
    assert await counter.holds() == NOTHING
    assert len(await counter.told("PURCHASE_REFUNDED")) == 1
    assert await counter.broken() == {}


async def test_a_lost_chargeback_is_found_by_looking(counter: Counter) -> None:
    settled = await counter.paid()
    counter.bank.says(settled, PaymentState.PAID, refunded_krw=9_900)

    await counter.pursue_due(now=NOON + 2 * DAY)

    assert (await counter.kept(settled)).state is State.REFUNDED


async def test_a_part_that_goes_back_is_a_discount(counter: Counter) -> None:
    settled = await counter.paid()
    amounts = [4_000, 4_000, 3_000, 9_900]

    for refunded_krw in amounts:
        counter.bank.says(settled, PaymentState.PAID, refunded_krw=refunded_krw)
        settled = await counter.pursue(settled, now=NOON + DAY)
        if refunded_krw < 9_900:
            assert (settled.state, await counter.holds()) == (State.SETTLED, {"paid_gems": 100})

    told = [metadata for _, metadata in await counter.told("PURCHASE_REFUNDED")]
    assert [part in text for part, text in zip(('"amount": 4000', '"amount": 5900'), told, strict=True)] == [True, True]
    assert (settled.state, await counter.holds(), await counter.counted_krw()) == (State.REFUNDED, NOTHING, 0)


async def test_old_words_of_the_provider_change_nothing(counter: Counter) -> None:
    settled = await counter.paid()

    for state in (PaymentState.PENDING, PaymentState.FAILED, PaymentState.CANCELLED):
        counter.bank.says(settled, state)
        assert (await counter.pursue(settled)).state is State.SETTLED
    assert await counter.holds() == {"paid_gems": 100}
