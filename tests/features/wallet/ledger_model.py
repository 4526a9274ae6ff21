"""A ledger of one user in plain Python: a list of lots, and numbers for what has none. It knows nothing of ours."""

from dataclasses import dataclass, field

from casino_club.features.wallet.rules.accounts import SPENDABLE, Pocket
from casino_club.kernel.money import Currency

Effect = tuple[Pocket, int | None, int]
"""A pocket, the place of the lot if it has lots, and the change."""


class NotEnough(Exception):
    """The user does not have so much; nothing has changed."""


@dataclass
class Lot:
    """What came in at once."""

    pocket: Pocket
    origin: str
    remaining: int


@dataclass
class Model:
    """What a user has, and what each transaction did."""

    coins: int = 0
    pending: int = 0
    lots: list[Lot] = field(default_factory=list)

    def holds(self) -> dict[Pocket, int]:
        held = dict.fromkeys(Pocket, 0) | {Pocket.COINS: self.coins, Pocket.PENDING_GEMS: self.pending}
        for lot in self.lots:
            held[lot.pocket] += lot.remaining
        return held

    def give(self, pocket: Pocket, amount: int, origin: str) -> list[Effect]:
        if pocket in (Pocket.COINS, Pocket.PENDING_GEMS):
            return self._apply([(pocket, None, amount)])
        self.lots.append(Lot(pocket, origin, 0))
        return self._apply([(pocket, len(self.lots) - 1, amount)])

    def take(self, currency: Currency, amount: int) -> list[Effect]:
        if currency is Currency.COIN:
            return self._apply([(Pocket.COINS, None, -amount)])
        effects: list[Effect] = []
        for place, lot in enumerate(self.lots):
            taken = min(amount, lot.remaining) if lot.pocket in SPENDABLE[currency] else 0
            if taken:
                effects.append((lot.pocket, place, -taken))
                amount -= taken
        if amount:
            raise NotEnough
        return self._apply(effects)

    def claim(self, amount: int, origin: str) -> list[Effect]:
        taken = self._apply([(Pocket.PENDING_GEMS, None, -amount)])
        return taken + self.give(Pocket.FREE_GEMS, amount, origin)

    def refund(self, pocket: Pocket, origin: str) -> list[Effect]:
        place = next(place for place, lot in enumerate(self.lots) if (lot.pocket, lot.origin) == (pocket, origin))
        left = self.lots[place].remaining
        return self._apply([(pocket, place, -left)] if left else [])

    def undo(self, effects: list[Effect]) -> list[Effect]:
        return self._apply([(pocket, place, -amount) for pocket, place, amount in reversed(effects)])

    def _apply(self, effects: list[Effect]) -> list[Effect]:
        for done, effect in enumerate(effects):
            if self._left(effect) < 0:
                for pocket, place, amount in effects[:done]:
                    self._change(pocket, place, -amount)
                raise NotEnough
            self._change(*effect)
        return effects

    def _left(self, effect: Effect) -> int:
        pocket, place, amount = effect
        if place is not None:
            return self.lots[place].remaining + amount
        return (self.coins if pocket is Pocket.COINS else self.pending) + amount

    def _change(self, pocket: Pocket, place: int | None, amount: int) -> None:
        if place is not None:
            self.lots[place].remaining += amount
        elif pocket is Pocket.COINS:
            self.coins += amount
        else:
            self.pending += amount
