"""Purchases: whoever pays looks at what the catalogue sells them now, and takes something that they can afford."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from casino_club.entry.economy.behaviour import UserKind
from casino_club.entry.economy.books import Books, Purse
from casino_club.entry.economy.rulebook import Rulebook
from casino_club.entry.economy.tally import Tally
from casino_club.features.rewards.commands.granting import POCKETS
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.features.shop.rules.catalogue import Item
from casino_club.features.shop.rules.offers import Bought, takes_free_gems_only, why_not
from casino_club.features.wallet.rules.accounts import SPENDABLE, House, Pocket
from casino_club.features.wallet.rules.orders import Give, Move, Take
from casino_club.kernel.money import Currency

MONTH: Final = timedelta(days=30)


@dataclass(slots=True)
class Purchases:
    """What one user has bought, as far as later purchases follow from it."""

    is_payer: bool
    ever: Counter[str] = field(default_factory=Counter)
    today: Counter[str] = field(default_factory=Counter)
    paid: list[tuple[datetime, int]] = field(default_factory=list)
    """When, and how much in KRW."""

    @property
    def krw(self) -> int:
        return sum(krw for _, krw in self.paid)

    def left_krw(self, budget: int, now: datetime) -> int:
        """What is left of a budget for 30 days."""
        return budget - sum(krw for at, krw in self.paid if now - at < MONTH)


class Till:
    """The shop of a run. Stock goes to users in the order of their numbers, since they live one after the other."""

    def __init__(self, rules: Rulebook, books: Books, tally: Tally) -> None:
        self._rules, self._books, self._tally = rules, books, tally
        self._by_all: Counter[str] = Counter()

    def pay(self, purse: Purse, bought: Purchases, kind: UserKind, *, now: datetime, day: int, rng: Random) -> None:
        """Buy something for money, within the user's budget."""
        left = bought.left_krw(kind.budget_krw, now)
        item = self._chosen(bought, lambda each: 0 < (each.price.krw or 0) <= left, now=now, rng=rng)
        if item is None or item.price.krw is None:
            return
        lots = {Pocket.PAID_GEMS: item.goods.paid_gems, Pocket.CASH_TOKENS: item.goods.cash_tokens}
        origin = f"purchase:{len(bought.paid)}"
        moves: list[Move] = [Give(to, amount, House.PAYMENTS, origin) for to, amount in lots.items() if amount]
        if moves:
            self._books.post(purse, "purchase", *moves, day=day)
        self._hand_over(purse, bought, item, day=day)
        bought.paid.append((now, item.price.krw))
        self._tally.days[day].purchases += 1
        self._tally.days[day].krw += item.price.krw

    def spend(self, purse: Purse, bought: Purchases, *, now: datetime, day: int, rng: Random) -> None:
        """Buy something for gems."""
        item = self._chosen(
            bought, lambda each: 0 < (each.price.gems or 0) <= purse.held(self._pockets(each)), now=now, rng=rng
        )
        if item is None or item.price.gems is None:
            return
        house = House.PULLS if item.goods.lead_to_stakes else House.GOODS
        price = Take(Currency.GEM, item.price.gems, house, self._pockets(item))
        self._books.post(purse, "gem_purchase", price, day=day)
        self._hand_over(purse, bought, item, day=day)

    def _chosen(self, bought: Purchases, may_pay: Callable[[Item], bool], *, now: datetime, rng: Random) -> Item | None:
        """Any of those that they may buy and can pay for, each as likely."""
        share = rng.random()
        open_items: Sequence[Item] = [
            item
            for item in self._rules.catalogue.items
            if may_pay(item) and why_not(item, 1, self._bought(bought, item), self._rules.place, now=now) is None
        ]
        return open_items[int(share * len(open_items))] if open_items else None

    def _bought(self, bought: Purchases, item: Item) -> Bought:
        return Bought(bought.today[item.id], bought.ever[item.id], self._by_all[item.id])

    def _pockets(self, item: Item) -> tuple[Pocket, ...]:
        return (Pocket.FREE_GEMS,) if takes_free_gems_only(item, self._rules.place) else SPENDABLE[Currency.GEM]

    def _hand_over(self, purse: Purse, bought: Purchases, item: Item, *, day: int) -> None:
        for extra in item.goods.extras:
            given = RewardType(extra.kind)
            if given in POCKETS:
                gift = Give(POCKETS[given], extra.amount, House.GRANTS, f"purchase:{item.id}")
                self._books.post(purse, "package", gift, day=day)
            else:
                self._tally.give(purse, given, extra.amount)
        for counted in (bought.today, bought.ever, self._by_all):
            counted[item.id] += 1
        self._tally.sold[item.id] += 1
