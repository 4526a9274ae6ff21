"""Gacha pulls: paid for with gems, drawn from the user's own state, and given as the platform gives rewards."""

from dataclasses import dataclass
from random import Random

from casino_club.entry.economy.books import Books, Purse
from casino_club.entry.economy.games import GachaOdds
from casino_club.entry.economy.tally import Tally
from casino_club.features.gacha.rules.openings import can_be_staked
from casino_club.features.odds.rules.markets import Market
from casino_club.features.odds.rules.shapes import PrizeKind
from casino_club.features.rewards.commands.granting import POCKETS
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.orders import Give, Take
from casino_club.kernel.money import Currency


@dataclass(slots=True)
class Puller:
    """One user at the gachas, on one day."""

    purse: Purse
    pity: dict[str, int]
    market: Market
    books: Books
    tally: Tally
    rng: Random
    day: int

    def pull(self, gacha: GachaOdds, pulls_max: int) -> int:
        """Pull while there are gems, so many times at most; how often it was."""
        stakeable = can_be_staked(item.prize.kind for item in gacha.items)
        pockets = tuple(Pocket[funds.upper()] for funds in self.market.gems_for_pulls(stakeable=stakeable))
        pulls = min(pulls_max, self.purse.held(pockets) // gacha.price_gems) if gacha.price_gems else 0
        if not pulls:
            return 0
        price = Take(Currency.GEM, pulls * gacha.price_gems, House.PULLS if stakeable else House.GOODS, pockets)
        self.books.post(self.purse, "gacha_pull", price, day=self.day)
        for _ in range(pulls):
            self._pull_once(gacha)
        return pulls

    def _pull_once(self, gacha: GachaOdds) -> None:
        state = self.pity.get(gacha.product, 0)
        place = gacha.states[state].drawn(self.rng)
        item = gacha.items[place]
        self.tally.states[gacha.product, state] += 1
        self.tally.items[gacha.product, item.id] += 1
        self.pity[gacha.product] = gacha.next_state(state, place)
        if item.prize.kind is PrizeKind.NOTHING:
            return
        given = RewardType(item.prize.kind)
        if given in POCKETS:
            gift = Give(POCKETS[given], item.prize.amount, House.GRANTS, f"gacha:{self.day}")
            self.books.post(self.purse, "gacha_prize", gift, day=self.day)
        else:
            self.tally.give(self.purse, given, item.prize.amount)
