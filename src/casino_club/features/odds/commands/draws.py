"""Drawing from the live table in the caller's transaction, and proving it later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.rules import proofs, trials
from casino_club.features.odds.rules.disclosure import Disclosure, disclose
from casino_club.features.odds.rules.outcomes import (
    Bet,
    Outcome,
    cell_of,
    check_bets,
    check_currency,
    prize_named,
    state_of_cell,
)
from casino_club.features.odds.rules.proofs import Drawn, Promise
from casino_club.features.odds.rules.refusals import (
    ClientSeedMissing,
    ContentNeedsAge,
    DrawMissing,
    MoveOutdated,
    ProductMissing,
    ProductPaused,
    SeedMissing,
    SeedSecret,
)
from casino_club.features.odds.rules.seeds import concealed, salt_of
from casino_club.features.odds.rules.shapes import Cells, Prizes
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.store import draws, openings, seeds
from casino_club.features.odds.store.draws import NewDraw
from casino_club.features.odds.store.seeds import Seed
from casino_club.features.odds.store.versions import Live
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import UserSubject


@dataclass(frozen=True, slots=True)
class Wanted:
    """A draw that somebody wants. Cells are named for products whose odds follow from a situation."""

    product: str
    user_id: int
    bets: Sequence[Bet] = ()
    currency: Currency | None = None
    cell: str | None = None
    is_of_age: bool = False
    hidden: str | None = None
    """The move that was published for this draw, if one was: no other is made."""


@dataclass(frozen=True, slots=True)
class Result:
    """A draw that was made. The receipt goes to the user at once."""

    draw_id: int
    product: str
    digest: str
    commit_id: UUID
    nonce: int
    state: int
    staked: int
    outcome: Outcome
    receipt: str
    salt: str | None
    """What shows a hidden move to be the one that was published."""


@dataclass(frozen=True, slots=True)
class OddsNow:
    """A user's odds: those of the table that they draw from, their state in it, and whether the product rests."""

    odds: Disclosure
    state: int
    is_resting: bool


@dataclass(slots=True)
class Opening:
    """What a user's next draws are made from."""

    desk: OddsDesk
    user_id: int
    live: Mapping[str, Live]
    tables: Mapping[str, OddsTable]
    """By product: those that this user draws from."""
    seed: Seed | None

    async def odds(self, db: Db, product: str) -> OddsNow:
        """What the user's next draw of a product is made at. Raises `ProductMissing`."""
        table = self._table(product)
        return OddsNow(disclose(table), await self._state_in(db, table), self.live[product].paused_at is not None)

    def concealed(self, product: str) -> str:
        """The hash of what the user's next draw will show, if it is of this product. Nothing is drawn or staked yet."""
        table = self._open_table(product)
        seed, promise = self._promised()
        drawn = proofs.draw(table, promise, nonce=seed.next_nonce)
        return concealed(drawn.outcome.name, _salt(table, promise, drawn))

    async def draw(self, db: Db, wanted: Sequence[Wanted], *, now: datetime) -> list[Result]:
        """Draw these, one after the other; their nonces are taken with the transaction or not at all."""
        tables = [self._table_for(each) for each in wanted]
        seed, promise = self._promised()
        states: dict[str, int] = {}
        made: list[Drawn] = []
        for each, table in zip(wanted, tables, strict=True):
            if isinstance(table.shape, Cells):
                state = state_of_cell(table, each.cell)
            elif table.product in states:
                state = states[table.product]
            else:
                state = await self._state_in(db, table)
            drawn = proofs.draw(table, promise, nonce=seed.next_nonce + len(made), state=state, bets=each.bets)
            states[table.product] = drawn.outcome.next_state
            made.append(drawn)
        new = [_new_draw(*each) for each in zip(tables, wanted, made, strict=True)]
        salts = [_shown_salt(*each, promise) for each in zip(tables, wanted, made, strict=True)]

        ids = await draws.add_draws(db, self.user_id, seed, new, now=now)
        for product in {table.product for table in tables if table.is_stateful}:
            await draws.save_state(db, self.user_id, product, states[product])
        self.seed = replace(seed, next_nonce=seed.next_nonce + len(made))

        receipts = [proofs.receipt(table, promise, drawn) for table, drawn in zip(tables, made, strict=True)]
        return [_result(seed, *each) for each in zip(ids, new, receipts, salts, strict=True)]

    async def _state_in(self, db: Db, table: OddsTable) -> int:
        """After another table went live, a user stands where they stood, at its last state at most."""
        if not table.is_stateful:
            return 0
        return min(await draws.state_of(db, self.user_id, table.product), table.states - 1)

    def _table(self, product: str) -> OddsTable:
        if product not in self.tables:
            raise ProductMissing
        return self.tables[product]

    def _open_table(self, product: str) -> OddsTable:
        table = self._table(product)
        if self.live[product].paused_at is not None:
            raise ProductPaused
        return table

    def _table_for(self, wanted: Wanted) -> OddsTable:
        """The table that this draw is made from, if it may be made."""
        table = self._open_table(wanted.product)
        if table.holds_content and not wanted.is_of_age:
            raise ContentNeedsAge
        check_bets(table, wanted.bets)
        check_currency(table, wanted.currency)
        return table

    def _promised(self) -> tuple[Seed, Promise]:
        """The seed that is promised, and what draws are made from."""
        seed = self.seed
        if seed is None:
            raise SeedMissing
        if seed.client_seed is None:
            raise ClientSeedMissing
        server_seed = self.desk.seeds.open(seed.commit_id, seed.sealed)
        return seed, Promise(str(seed.commit_id), server_seed, seed.client_seed)


async def open_draws(
    db: Db, desk: OddsDesk, user_id: int, products: Sequence[str], *, now: datetime, is_locked: bool = True
) -> Opening:
    """Look up all that draws of these products need. Locked, no others come between until the transaction ends."""
    live, seed = await openings.opened(db, user_id, products, is_locked=is_locked, now=now)
    tables = {product: await desk.shelf.table(db, digest_for(each, user_id)) for product, each in live.items()}
    return Opening(desk, user_id, live, tables, seed)


async def draw(db: Db, desk: OddsDesk, wanted: Wanted, *, now: datetime) -> Result:
    """Draw once. The user's seed stays locked until the transaction ends; its nonce is taken with it or not at all."""
    opening = await open_draws(db, desk, wanted.user_id, [wanted.product], now=now)
    [drawn] = await opening.draw(db, [wanted], now=now)
    return drawn


def _salt(table: OddsTable, promise: Promise, drawn: Drawn) -> str:
    return salt_of(
        promise.server_seed,
        commit_id=promise.commit_id,
        client_seed=promise.client_seed,
        nonce=drawn.nonce,
        table_digest=table.digest,
    )


def _shown_salt(table: OddsTable, wanted: Wanted, drawn: Drawn, promise: Promise) -> str | None:
    """What shows the hidden move, if one was published. Raises `MoveOutdated` if it was another."""
    if wanted.hidden is None:
        return None
    salt = _salt(table, promise, drawn)
    if concealed(drawn.outcome.name, salt) != wanted.hidden:
        raise MoveOutdated
    return salt


def _result(seed: Seed, draw_id: int, new: NewDraw, receipt: str, salt: str | None) -> Result:
    drawn = new.drawn
    return Result(
        draw_id,
        new.product,
        new.digest,
        seed.commit_id,
        drawn.nonce,
        drawn.state,
        new.staked,
        drawn.outcome,
        receipt,
        salt,
    )


def digest_for(live: Live, user_id: int) -> str:
    """The live table, or the challenger for those users whom a trial shows it to."""
    if live.trial_id is None or live.challenger is None or live.share_permille is None:
        return live.digest
    is_chosen = trials.is_challenged(live.trial_id, user_id, share_permille=live.share_permille)
    return live.challenger if is_chosen else live.digest


def _new_draw(table: OddsTable, wanted: Wanted, drawn: Drawn) -> NewDraw:
    shape = table.shape
    if isinstance(shape, Prizes | Cells):
        currency, staked = shape.price.currency, shape.price.amount
    else:
        assert wanted.currency is not None
        currency, staked = wanted.currency, sum(bet.stake for bet in wanted.bets)
    return NewDraw(table.product, table.digest, drawn, cell_of(table, drawn.stops), currency, staked)


async def proof(db: Db, desk: OddsDesk, subject: UserSubject, draw_id: int) -> str:
    """The proof of one's own draw, of what was kept and not of what should have been.

    Raises `SeedSecret` until its seed is revealed, and `DrawMissing`.
    """
    kept = await draws.draw_of(db, subject.user_id, draw_id)
    if kept is None or kept.client_seed is None:
        raise DrawMissing
    server_seed = await seeds.revealed_seed(db, subject.user_id, kept.commit_id)
    if server_seed is None:
        raise SeedSecret

    table = await desk.shelf.table(db, kept.digest)
    promise = Promise(str(kept.commit_id), server_seed, kept.client_seed)
    outcome = Outcome(kept.name, kept.next_state, kept.returned, prize_named(table, kept.name))
    drawn = Drawn(kept.nonce, kept.state, kept.bets, kept.stops, outcome)
    return proofs.proof_text(table, promise, drawn)
