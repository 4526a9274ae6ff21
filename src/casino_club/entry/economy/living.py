"""One synthetic user, day by day: comes, takes what is free, plays, pulls, and one day stays away."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from casino_club.entry.economy.behaviour import UserKind
from casino_club.entry.economy.books import Books, Purse
from casino_club.entry.economy.buying import Purchases, Till
from casino_club.entry.economy.chance import Exact, arrivals, happens, stream, weighed
from casino_club.entry.economy.games import GameOdds, Parlour
from casino_club.entry.economy.playing import Sat, Table, sit
from casino_club.entry.economy.pulling import Puller
from casino_club.entry.economy.tally import Betting, Person, Tally
from casino_club.features.games.commands.free_coins import KIND
from casino_club.features.games.rules.free_coins import FreeCoins, check_due
from casino_club.features.games.rules.refusals import CoinsEnough, FreeCoinsTooSoon
from casino_club.features.odds.rules.markets import Game
from casino_club.features.odds.rules.tables import SPIN
from casino_club.features.rewards.commands.granting import POCKETS
from casino_club.features.rewards.rules.amounts import amount_of
from casino_club.features.rewards.rules.bonus import BonusTerms
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.features.wallet.rules.accounts import SPENDABLE, House, Pocket
from casino_club.features.wallet.rules.orders import Claim, Give, Move, Take
from casino_club.kernel.money import Currency

DAY: Final = timedelta(days=1)
SITTINGS_MAX: Final = 20
"""How often a user who runs out within a session goes on with free coins."""
PAID_TO: Final = {Currency.COIN: Pocket.COINS, Currency.CYBER_TOKEN: Pocket.APP_TOKENS}


@dataclass(frozen=True, slots=True)
class World:
    """What all users of a run share."""

    seed: int
    starts_at: datetime
    parlour: Parlour
    books: Books
    tally: Tally
    till: Till


class Session(NamedTuple):
    """What a user intends: decided before anything is drawn, so that it is the same under other rules."""

    at: timedelta
    game: GameOdds
    wants_tokens: bool


@dataclass(slots=True)
class Life:
    """A user."""

    kind_name: str
    kind: UserKind
    purse: Purse
    arrives: int
    has_loss_limit: bool
    games: Exact[str]
    bets: dict[str, Exact[str]]
    bought: Purchases
    first_purchase: int | None = None
    free_at: datetime | None = None
    played_at: datetime | None = None
    streak: int = 0
    pity: dict[str, int] = field(default_factory=dict)
    days_active: int = 0
    days_ran_out: int = 0
    rounds: int = 0
    coins_staked: int = 0
    coins_won: int = 0
    free_coins: int = 0
    bonus_coins: int = 0
    pulls: int = 0

    def streak_at(self, now: datetime, gap: timedelta) -> int:
        """Plays in a row, as it reads then."""
        return 0 if self.played_at is None or now - self.played_at > gap else self.streak

    def person(self) -> Person:
        return Person(
            *(self.kind_name, self.days_active, self.days_ran_out, self.rounds, self.coins_staked, self.coins_won),
            *(self.free_coins, self.bonus_coins, self.pulls, self.bought.krw, self.first_purchase),
            self.purse.held((Pocket.COINS,)),
        )


def born(kinds: dict[str, UserKind], user: int, *, seed: int) -> Life:
    """A user of some kind."""
    rng = stream(seed, user=user, day=-1, purpose="person")
    name = weighed({name: kind.share for name, kind in kinds.items()}).drawn(rng)
    kind = kinds[name]
    games = weighed({product: sum(bets.values()) for product, bets in kind.games.items()})
    bets = {product: weighed(weights) for product, weights in kind.games.items()}
    arrives = int(rng.random() * kind.arrives_days)
    is_careful, pays = happens(rng, kind.loss_limit_percent), happens(rng, kind.pays_percent)
    return Life(name, kind, Purse(user), arrives, is_careful, games, bets, Purchases(pays))


def live(world: World, life: Life) -> None:
    """A user's whole time, until they leave or the run ends."""
    for day in range(life.arrives, len(world.tally.days)):
        if not _is_active(world, life, day):
            continue
        if _live_day(world, life, day):
            world.tally.days[day].left += 1
            return


def _is_active(world: World, life: Life, day: int) -> bool:
    if day == life.arrives:
        world.tally.days[day].arrived += 1
        return True
    return happens(stream(world.seed, user=life.purse.user, day=day, purpose="comes"), life.kind.active_percent)


def _live_day(world: World, life: Life, day: int) -> bool:
    """One day on which they come. True if they never do again."""
    habits = stream(world.seed, user=life.purse.user, day=day, purpose="habits")
    visits, leaves = happens(habits, life.kind.visits_percent), habits.random() * 100
    sessions = _intended(world, life, habits)
    visit = Visit(world, life, day)
    if visits and life.kind.visit_tokens:
        tokens = Give(Pocket.PARTNER_TOKENS, life.kind.visit_tokens, House.PARTNER, f"visit:{day}")
        world.books.post(life.purse, "partner_earn", tokens, day=day)
    for session in sessions:
        visit.play(session)
    visit.shop()

    today = world.tally.days[day]
    today.active += 1
    today.ran_out += visit.ran_out
    life.days_active += 1
    life.days_ran_out += visit.ran_out
    for pocket, amount in life.purse.balances.items():
        today.held_active[pocket.currency] += amount
    return leaves < (life.kind.leaves_empty_percent if visit.ran_out else life.kind.leaves_percent)


def _intended(world: World, life: Life, habits: Random) -> list[Session]:
    number = max(1, arrivals(habits, life.kind.sessions_mean))
    at = sorted(habits.random() for _ in range(number))
    return [
        Session(
            share * DAY,
            world.parlour.games[life.games.drawn(habits)],
            happens(habits, life.kind.token_percent),
        )
        for share in at
    ]


class Visit:
    """A user's day: its sessions share what was lost, and the chance that was handed out for it."""

    def __init__(self, world: World, life: Life, day: int) -> None:
        self._world, self._life, self._day = world, life, day
        self._midnight = world.starts_at + day * DAY
        self._free_from = self._midnight
        self._rng: dict[str, Random] = {}
        self._lost = 0
        self.ran_out = False

    def chance(self, purpose: str) -> Random:
        """This day's stream for this purpose."""
        if purpose not in self._rng:
            self._rng[purpose] = stream(self._world.seed, user=self._life.purse.user, day=self._day, purpose=purpose)
        return self._rng[purpose]

    def play(self, session: Session) -> None:
        """One session: what waits is claimed, what is free is taken, then games and pulls."""
        now = max(self._midnight + session.at, self._free_from)
        self._claim()
        self._take_free(now)
        now = self._spin_free(session.game, now)
        for _ in range(SITTINGS_MAX):
            sat = self._sit(session, now)
            now += (sat.rounds if sat else 0) * self._world.parlour.rules.pace.of(session.game.game)
            if sat is not None and not sat.ran_out:
                break
            if not self._take_free(now):
                self.ran_out |= sat is None or sat.currency is Currency.COIN
                break
        self._free_from = now
        self._pull()

    def shop(self) -> None:
        """What they buy at the end of their day: for money if they are of those who pay, and for gems."""
        life, rng = self._life, self.chance("shop")
        life.bought.today.clear()
        wants, wants_empty = happens(rng, life.kind.buys_percent), happens(rng, life.kind.buys_empty_percent)
        for is_wanted in (wants, wants_empty and self.ran_out):
            if is_wanted and life.bought.is_payer:
                self._world.till.pay(life.purse, life.bought, life.kind, now=self._free_from, day=self._day, rng=rng)
        if life.first_purchase is None and life.bought.paid:
            life.first_purchase = self._day - life.arrives
        if happens(rng, life.kind.spends_gems_percent):
            self._world.till.spend(life.purse, life.bought, now=self._free_from, day=self._day, rng=rng)

    def _sit(self, session: Session, now: datetime) -> Sat | None:
        """Rounds until they stop or can't go on; None if they could not begin."""
        life, game = self._life, session.game
        currency = self._currency(session)
        pockets = self._pockets(game, currency)
        balance = life.purse.held(pockets)
        if balance < game.stake.min:
            return None
        life.streak = life.streak_at(now, self._world.parlour.rules.streak_gap)
        limit = life.kind.loss_limit_coins if life.has_loss_limit and currency is Currency.COIN else None
        table = Table(
            game=game,
            currency=currency,
            bets=life.bets[game.product],
            bonus=None if game.bonus is None else game.bonus.rows[BonusTerms(life.kind.level, life.kind.risk)],
            worth_coins=self._world.parlour.rules.amounts.worth_coins,
            lost_before=self._lost,
            lost_max=limit,
        )
        sat = sit(table, life.kind, balance, streak=life.streak, now=now, chance=self.chance, tally=self._world.tally)
        self._settle(sat, game, pockets)
        life.played_at = now + sat.rounds * self._world.parlour.rules.pace.of(game.game)
        return sat

    def _pockets(self, game: GameOdds, currency: Currency) -> tuple[Pocket, ...]:
        """Those that may pay for it in this market."""
        offered = [each.name.lower() for each in SPENDABLE[currency]]
        return tuple(Pocket[name.upper()] for name in self._world.parlour.rules.market.admitted(game.game, offered))

    def _currency(self, session: Session) -> Currency:
        stake, tokens = session.game.stake, Currency.CYBER_TOKEN
        funds = self._world.parlour.rules.market.funds[session.game.game]
        open_pockets = [pocket for pocket in SPENDABLE[tokens] if pocket.name.lower() in funds]
        enough = self._life.purse.held(open_pockets) >= stake.min
        return tokens if session.wants_tokens and tokens in stake.currencies and enough else Currency.COIN

    def _spin_free(self, game: GameOdds, now: datetime) -> datetime:
        """Free spins are played first, where a slot is: the house pays what they stand for. When they are over."""
        life, world, rules = self._life, self._world, self._world.parlour.rules
        if game.game is not Game.SLOT:
            return now
        pockets, steps = self._pockets(game, Currency.COIN), rules.free_spin_coins // game.stake.step
        worth = steps * game.stake.step
        for _ in range(life.purse.spins):
            won = steps * game.bets[SPIN].returns.drawn(self.chance("free_spins"))
            world.tally.bets[Betting(game.product, SPIN, Currency.COIN)].add(steps, won)
            gift = Give(Pocket.COINS, worth, House.GRANTS, f"round:{self._day}")
            moves: list[Move] = [gift, Take(Currency.COIN, worth, House.GAMES, pockets)]
            gain = [Give(Pocket.COINS, won, House.GAMES, f"round:{self._day}")] if won else []
            world.books.post(life.purse, "free_spin", *moves, *gain, day=self._day)
            life.streak = life.streak_at(now, rules.streak_gap) + 1
            life.rounds += 1
            life.coins_won += won
            now += rules.pace.of(game.game)
            life.played_at = now
        life.purse.spins = 0
        return now

    def _settle(self, sat: Sat, game: GameOdds, pockets: tuple[Pocket, ...]) -> None:
        """Put the sitting into the books: winnings first, since stakes were paid out of them, too."""
        life, books, day, currency = self._life, self._world.books, self._day, sat.currency
        assert PAID_TO[currency] in pockets, "what was won may be staked"
        for given, amount in sat.bonuses.items():
            if given in POCKETS:
                books.post(life.purse, "bonus", Give(POCKETS[given], amount, House.GRANTS, f"bonus:{day}"), day=day)
            else:
                self._world.tally.give(life.purse, given, amount)
        moves: list[Move] = [Give(PAID_TO[currency], sat.won, House.GAMES, f"round:{day}")] if sat.won else []
        if sat.staked:
            moves.append(Take(currency, sat.staked, House.GAMES, pockets))
            books.post(life.purse, f"{game.game}_round", *moves, day=day)
        self._world.tally.drift[currency] += sat.balance - life.purse.held(pockets)
        life.rounds += sat.rounds
        life.streak += sat.rounds
        if currency is Currency.COIN:
            self._lost += sat.staked - sat.won
            life.coins_staked += sat.staked
            life.coins_won += sat.won
        life.bonus_coins += sat.bonuses[RewardType.COIN]

    def _take_free(self, now: datetime) -> bool:
        """Free coins, if they are due and the user cares to."""
        life = self._life
        if not happens(self.chance("free"), life.kind.takes_free_percent):
            return False
        try:
            held = life.purse.held((Pocket.COINS,))
            coins = check_due(self._free_coins(now), held, life.free_at, now)
        except (FreeCoinsTooSoon, CoinsEnough):
            return False
        gift = Give(Pocket.COINS, coins, House.GRANTS, f"free_coins:{self._day}")
        self._world.books.post(life.purse, "free_coins", gift, day=self._day)
        life.free_at = now
        life.free_coins += coins
        return True

    def _free_coins(self, now: datetime) -> FreeCoins:
        """As many at once as rewards give for the user's level and streak."""
        rules, life = self._world.parlour.rules, self._life
        due = amount_of(KIND, life.kind.level, life.streak_at(now, rules.streak_gap), rules.amounts)
        return replace(rules.free_coins, coins=due.amount)

    def _claim(self) -> None:
        waiting = self._life.purse.held((Pocket.PENDING_GEMS,))
        if waiting:
            self._world.books.post(self._life.purse, "claim", Claim(waiting, f"claim:{self._day}"), day=self._day)

    def _pull(self) -> None:
        life, world = self._life, self._world
        if not life.kind.pulls_max or not life.purse.held(SPENDABLE[Currency.GEM]):
            return
        market = world.parlour.rules.market
        puller = Puller(life.purse, life.pity, market, world.books, world.tally, self.chance("pulls"), self._day)
        life.pulls += sum(puller.pull(gacha, life.kind.pulls_max) for gacha in world.parlour.gachas.values())
