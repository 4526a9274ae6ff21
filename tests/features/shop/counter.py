"""A shop on a test's own database: a catalogue that is live, a provider in the test's hands, and people who buy."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from casino_club.entry.payments import PAYMENT_BOOK
from casino_club.entry.wiring import load_market
from casino_club.features.actions.public import lock_users
from casino_club.features.identity.public import ProvenAges
from casino_club.features.shop.commands import buying, publishing, refunding
from casino_club.features.shop.commands.desk import ShopDesk
from casino_club.features.shop.commands.pursuing import GOES_ON, pursue, pursue_due
from casino_club.features.shop.rules.catalogue import Catalogue, catalogue_of
from casino_club.features.shop.rules.offers import Place
from casino_club.features.shop.rules.purchases import Purchase
from casino_club.features.shop.store import purchases
from casino_club.features.wallet.commands import checking
from casino_club.features.wallet.public import House, Order, Pocket, Take, post
from casino_club.infra.backends.payments.sandbox import SandboxPayments
from casino_club.infra.db.database import Database, Db
from casino_club.infra.inspections import Inspections
from casino_club.infra.jobs import runs
from casino_club.infra.payments import Payment, PaymentsAway, PaymentState, PaymentWanted
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import NOON, a_log
from tests.builders.venues import USER, Venue
from tests.features.protection.guarding import a_protection_policy
from tests.features.rewards.gifts import a_reward_policy
from tests.features.wallet.purse import a_key, a_wallet_policy

GROWN_UP = set(range(1, 10_000))
"""Those who have proved their age."""
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
SECRET = b"a secret of the sandbox"
SPINS = {"kind": "FREE_SPIN", "amount": 10, "reference": "slot-orchard"}
_numbers = itertools.count(1)


def a_purchase_key(text: str | None = None) -> UUID:
    return derived_uuid("purchase of a test", text or next(_numbers))


def items(*more: Mapping[str, Any]) -> Catalogue:
    """What the shop of tests sells."""
    title = {"en": "Thing", "ko": "물건"}
    gems = {"price": {"krw": 9_900}, "goods": {"paid_gems": 100}}
    usual: list[dict[str, Any]] = [
        {"id": "gems-100", **gems},
        {"id": "tokens-30", "price": {"krw": 300}, "goods": {"cash_tokens": 30}},
        {"id": "package", "price": {"krw": 10_900}, "goods": {"paid_gems": 100, "extras": [SPINS]}},
        {"id": "badge", "price": {"gems": 40}, "goods": {"extras": [{"kind": "XP", "amount": 5}]}, "user_max": 2},
        {"id": "spins", "price": {"gems": 10}, "goods": {"extras": [SPINS]}},
        {"id": "last-ones", **gems, "stock": 3, "user_max": 3},
        {"id": "once", **gems, "user_max": 1},
        {"id": "daily", **gems, "day_max": 1},
        {"id": "flash", **gems, "price": {"krw": 5_000}, "ends": "2027-01-01T00:00:00Z"},
    ]
    return catalogue_of(
        {"format": "casino-club/catalogue/1", "items": [{"title": title, **i} for i in [*usual, *more]]}
    )


@dataclass
class Bank:
    """A provider whose every word the test decides; it keeps what it is asked, and forgets nothing."""

    payments: dict[UUID, Payment] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    is_away: bool = False
    loses_answers: bool = False
    methods: Sequence[str] = ("card",)

    def says(self, purchase: Purchase, state: PaymentState, *, refunded_krw: int = 0) -> None:
        price = purchase.price_krw
        assert price is not None
        self.payments[purchase.payment_key] = Payment(purchase.payment_key, price, state, refunded_krw)

    async def create(self, wanted: PaymentWanted) -> Payment:
        self._hear("create")
        first = Payment(wanted.key, wanted.amount_krw, PaymentState.PENDING)
        return self._answer(self.payments.setdefault(wanted.key, first))

    async def find(self, key: UUID) -> Payment | None:
        self._hear("find")
        found = self.payments.get(key)
        return None if found is None else self._answer(found)

    async def cancel(self, key: UUID) -> Payment:
        self._hear("cancel")
        found = self.payments.get(key, Payment(key, 0, PaymentState.CANCELLED))
        if found.state is PaymentState.PENDING:
            found = replace(found, state=PaymentState.CANCELLED)
        self.payments[key] = found
        return self._answer(found)

    async def refund(self, key: UUID, amount_krw: int) -> Payment:
        self._hear("refund")
        found = self.payments[key]
        self.payments[key] = found = replace(found, refunded_krw=max(found.refunded_krw, amount_krw))
        return self._answer(found)

    def key_in(self, headers: Mapping[bytes, bytes], body: bytes, *, now: datetime) -> UUID:
        raise AssertionError("nobody knocks at this bank: tests bring its answers themselves")

    def _hear(self, call: str) -> None:
        self.calls.append(call)
        if self.is_away:
            raise PaymentsAway

    def _answer(self, payment: Payment) -> Payment:
        if self.loses_answers:
            raise PaymentsAway
        return payment


@dataclass(frozen=True)
class Counter(Venue):
    """Where people buy."""

    desk: ShopDesk
    bank: Bank

    async def order(self, item_id: str = "gems-100", *, now: datetime = NOON, **more: Any) -> Purchase:
        """What is kept before anybody is asked for money; what costs gems is paid."""
        wanted = self.wanted(item_id, **more)
        return await self.run(lambda db: buying.buy(db, self.desk, wanted, now=now))

    def wanted(self, item_id: str, **more: Any) -> buying.Wanted:
        usual: dict[str, Any] = {"user_id": USER, "purchase_key": a_purchase_key(), "quantity": 1}
        method = "gems" if self.desk_item_costs_gems(item_id) else "card"
        return buying.Wanted(**{"item_id": item_id, "payment_method": method, **usual, **more})

    def desk_item_costs_gems(self, item_id: str) -> bool:
        found = items().by_id.get(item_id)
        return found is not None and found.price.gems is not None

    async def buy(self, item_id: str = "gems-100", *, now: datetime = NOON, **more: Any) -> Purchase:
        """As the route does it."""
        ordered = await self.order(item_id, now=now, **more)
        return await self.pursue(ordered, now=now) if ordered.state in GOES_ON else ordered

    async def pursue(self, purchase: Purchase, *, now: datetime = NOON) -> Purchase:
        return await pursue(self.desk, await self.kept(purchase), now=now)

    async def paid(self, item_id: str = "gems-100", *, now: datetime = NOON, **more: Any) -> Purchase:
        """Bought, paid and handed over."""
        pending = await self.buy(item_id, now=now, **more)
        self.bank.says(pending, PaymentState.PAID)
        return await self.pursue(pending, now=now)

    async def give_back(self, purchase: Purchase, *, now: datetime = NOON) -> Purchase:
        user_id, key = purchase.user_id, purchase.purchase_key
        given = await self.run(lambda db: refunding.give_back(db, self.desk, user_id, key, now=now))
        return await self.pursue(given, now=now)

    async def refund(self, purchase: Purchase, *, now: datetime = NOON) -> Purchase:
        by = UserSubject(1_000)
        given = await self.run(
            lambda db: refunding.refund(db, self.desk, purchase.id, because="a test", by=by, now=now)
        )
        return await self.pursue(given, now=now)

    async def pursue_due(self, *, now: datetime) -> int:
        return await pursue_due(self.desk, now=now)

    async def kept(self, purchase: Purchase) -> Purchase:
        async with self.database.connection() as db:
            found = await purchases.with_id(db, purchase.id)
        assert found is not None
        return found

    async def spend(self, amount: int, *, currency: Currency = Currency.GEM, user_id: int = USER) -> None:
        async def work(db: Db) -> None:
            await lock_users(db, [user_id])
            order = Order("goods", user_id, (Take(currency, amount, House.GOODS),))
            await post(db, order, key=a_key(), now=NOON, policy=self.wallet)

        await self.run(work)

    async def holds(self, user_id: int = USER) -> dict[str, int]:
        async with self.database.connection() as db:
            spins = await db.fetchval("SELECT coalesce(sum(spins), 0) FROM free_spins WHERE user_id = $1", user_id)
        return await super().holds(user_id) | ({"spins": int(spins)} if spins else {})

    async def told(self, *types: str) -> list[tuple[str, str]]:
        """What the log was told of these types."""
        async with self.database.connection() as db:
            rows = await db.fetch(
                "SELECT action_type, metadata FROM user_actions WHERE action_type = ANY($1::text[]) ORDER BY id", types
            )
        return [(row[0], row[1]) for row in rows]

    async def stock_taken(self, item_id: str = "last-ones") -> int:
        async with self.database.connection() as db:
            return await db.fetchval("SELECT taken FROM shop_stocks WHERE item_id = $1", item_id) or 0

    async def counted_krw(self, user_id: int = USER) -> int:
        """What counts towards the user's own limit of the day."""
        async with self.database.connection() as db:
            return await db.fetchval("SELECT purchases_day FROM protections WHERE user_id = $1", user_id) or 0

    async def broken(self) -> dict[str, int]:
        """What the whole check of the ledger finds, with the shop's own payments."""
        async with self.database.transaction() as db:
            made = await runs.add(db, "check_ledger", NOON + next(_numbers) * MINUTE)
            assert made is not None
            run = await runs.claim(db, "check_ledger", made.due_at, lease_seconds=600)
            assert run is not None
        await checking.check(self.database, run, PAYMENT_BOOK, inspections=Inspections(), now=NOON)
        async with self.database.connection() as db:
            return {name: times for name, times in (await checking.violations(db, Inspections())).items() if times}


def a_desk(database: Database, provider: Any, market: str = "eu") -> ShopDesk:
    found = load_market(market)
    place = Place(market, admits_paid_stakes="cash_tokens" not in found.closed)
    closed = [(Pocket[each.name], House.PULLS) for each in found.closed_to_pulls]
    policies = a_wallet_policy(*closed), a_protection_policy(), a_reward_policy()
    return ShopDesk(database, provider, found, place, *policies, payment_lasts=15 * MINUTE, ages=ProvenAges(GROWN_UP))


async def open_counter(database: Database, market: str = "eu", catalogue: Catalogue | None = None) -> Counter:
    await a_log(database).make_room()
    await database.run(lambda db: publishing.ship(db, catalogue or items(), now=NOON - DAY))
    bank = Bank()
    desk = a_desk(database, bank, market)
    return Counter(database, desk.wallet, desk, bank)


def a_sandbox(folder: Path, wall: Callable[[], float]) -> SandboxPayments:
    return SandboxPayments(folder / "payments.jsonl", SECRET, wall=wall)
