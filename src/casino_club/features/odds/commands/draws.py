"""Drawing from the live table in the caller's transaction, and proving it later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casino_club.features.odds.commands.desk import OddsDesk, live_or_refuse
from casino_club.features.odds.rules import proofs, trials
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
    ProductPaused,
    SeedMissing,
    SeedSecret,
)
from casino_club.features.odds.rules.seeds import concealed, salt_of
from casino_club.features.odds.rules.shapes import Cells, Prizes
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.store import draws, seeds
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


async def draw(db: Db, desk: OddsDesk, wanted: Wanted, *, now: datetime) -> Result:
    """Draw once. The user's seed stays locked until the transaction ends; its nonce is taken with it or not at all."""
    live = await live_or_refuse(db, wanted.product, now=now)
    table = await _table_for(db, desk, live, wanted)
    seed = await _locked_seed(db, wanted.user_id)
    state = await _state(db, table, wanted)

    seed, promise = _opened(desk, seed)
    drawn = proofs.draw(table, promise, nonce=seed.next_nonce, state=state, bets=wanted.bets)
    salt = None if wanted.hidden is None else _salt(table, promise, drawn)
    if salt is not None and concealed(drawn.outcome.name, salt) != wanted.hidden:
        raise MoveOutdated

    new = _new_draw(table, wanted, seed.commit_id, drawn)
    draw_id = await draws.add_draw(db, new, now=now)
    receipt = proofs.receipt(table, promise, drawn)
    return Result(
        draw_id,
        table.product,
        table.digest,
        seed.commit_id,
        drawn.nonce,
        state,
        new.staked,
        drawn.outcome,
        receipt,
        salt,
    )


async def conceal(db: Db, desk: OddsDesk, product: str, user_id: int, *, now: datetime) -> str:
    """The hash of what the user's next draw will show, if it is of this product. Nothing is drawn or staked yet."""
    live = await live_or_refuse(db, product, now=now)
    table = await _open_table(db, desk, live, user_id)
    seed, promise = _opened(desk, await seeds.seed_of(db, user_id))

    drawn = proofs.draw(table, promise, nonce=seed.next_nonce)
    return concealed(drawn.outcome.name, _salt(table, promise, drawn))


def _salt(table: OddsTable, promise: Promise, drawn: Drawn) -> str:
    return salt_of(
        promise.server_seed,
        commit_id=promise.commit_id,
        client_seed=promise.client_seed,
        nonce=drawn.nonce,
        table_digest=table.digest,
    )


def _opened(desk: OddsDesk, seed: Seed | None) -> tuple[Seed, Promise]:
    """The seed that is promised, and what draws are made from."""
    if seed is None:
        raise SeedMissing
    if seed.client_seed is None:
        raise ClientSeedMissing
    return seed, Promise(str(seed.commit_id), desk.seeds.open(seed.commit_id, seed.sealed), seed.client_seed)


async def _locked_seed(db: Db, user_id: int) -> Seed | None:
    """Looks twice: a seed that was revealed while we waited for it has a follower that only a new look can see."""
    return await seeds.seed_of(db, user_id, is_locked=True) or await seeds.seed_of(db, user_id, is_locked=True)


async def _table_for(db: Db, desk: OddsDesk, live: Live, wanted: Wanted) -> OddsTable:
    """The table that this user's draw is made from, if it may be made."""
    table = await _open_table(db, desk, live, wanted.user_id)
    if table.holds_content and not wanted.is_of_age:
        raise ContentNeedsAge
    check_bets(table, wanted.bets)
    check_currency(table, wanted.currency)
    return table


async def _open_table(db: Db, desk: OddsDesk, live: Live, user_id: int) -> OddsTable:
    if live.paused_at is not None:
        raise ProductPaused
    return await desk.shelf.table(db, digest_for(live, user_id))


def digest_for(live: Live, user_id: int) -> str:
    """The live table, or the challenger for those users whom a trial shows it to."""
    if live.trial_id is None or live.challenger is None or live.share_permille is None:
        return live.digest
    is_chosen = trials.is_challenged(live.trial_id, user_id, share_permille=live.share_permille)
    return live.challenger if is_chosen else live.digest


async def _state(db: Db, table: OddsTable, wanted: Wanted) -> int:
    if isinstance(table.shape, Cells):
        return state_of_cell(table, wanted.cell)
    return await state_in(db, table, wanted.user_id)


async def state_in(db: Db, table: OddsTable, user_id: int) -> int:
    """After another table went live, a user stands where they stood, at its last state at most."""
    if not table.is_stateful:
        return 0
    return min(await draws.state_of(db, user_id, table.product), table.states - 1)


def _new_draw(table: OddsTable, wanted: Wanted, commit_id: UUID, drawn: Drawn) -> NewDraw:
    shape = table.shape
    if isinstance(shape, Prizes | Cells):
        currency, staked = shape.price.currency, shape.price.amount
    else:
        assert wanted.currency is not None
        currency, staked = wanted.currency, sum(bet.stake for bet in wanted.bets)
    return NewDraw(
        user_id=wanted.user_id,
        product=wanted.product,
        digest=table.digest,
        commit_id=commit_id,
        drawn=drawn,
        cell=cell_of(table, drawn.stops),
        currency=currency,
        staked=staked,
        is_stateful=table.is_stateful,
    )


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
