"""Moving money: an order is carried out once, whole, in the caller's transaction, and the log is told in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from casino_club.features.actions import public as actions
from casino_club.features.wallet.commands.facts import Fact, facts_of
from casino_club.features.wallet.rules.accounts import SPENDABLE, Pocket, pocket_of
from casino_club.features.wallet.rules.edges import Edge
from casino_club.features.wallet.rules.orders import Decision, Entry, Lot, Order, Take, decide, open_pockets
from casino_club.features.wallet.rules.plain import plain
from casino_club.features.wallet.rules.refusals import AmountInvalid, EdgeForbidden, KeyReused
from casino_club.features.wallet.store import posting as store
from casino_club.features.wallet.store.posting import Key, Loaded, Writing
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.money import Currency


@dataclass(frozen=True, slots=True)
class WalletPolicy:
    """What decides about money: the ways that the market closes, and the log's own policy."""

    actions: actions.ActionPolicy
    closed: AbstractSet[Edge] = frozenset()
    corrected_alone_max: int = 0
    """Up to this amount one member of staff may correct a transaction alone."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction that has happened. The second time it is the same, but for what the user holds by then.

    `held` has every pocket, but after an order of coins alone, which looks at nothing else, the coins only.
    """

    tx_id: int
    was_repeated: bool
    entries: tuple[Entry, ...]
    held: Mapping[Pocket, int]

    def balance(self, currency: Currency) -> int:
        """What the user can spend of it."""
        return sum(self.held[pocket] for pocket in SPENDABLE[currency])

    @property
    def pending_gems(self) -> int:
        return self.held[Pocket.PENDING_GEMS]

    def received_in(self, pocket: Pocket) -> int:
        """How much came into this pocket."""
        return sum(each.amount for each in self.entries if pocket_of(each.account_id) is pocket and each.amount > 0)

    def taken_from(self, pocket: Pocket) -> int:
        """How much of this pocket was spent."""
        return -sum(each.amount for each in self.entries if pocket_of(each.account_id) is pocket and each.amount < 0)


KEY_TAKEN = "another transaction took the same key"

Tell = Callable[[Posted], Sequence[actions.Event]]
"""What the caller has to say of it to the log; appended together with what the wallet says."""


def nothing(_: Posted) -> Sequence[actions.Event]:
    """The wallet says all that there is to say."""
    return ()


async def post(
    db: Db,
    order: Order,
    *,
    key: Key,
    now: datetime,
    policy: WalletPolicy,
    round_id: UUID | None = None,
    tell: Tell = nothing,
) -> Posted:
    """Carry out an order once. The same key again gives what happened then; with another order it is refused.

    Whoever locks users of the log does so first: call `actions.lock_users` before, if the order or `tell` has
    anything for the log.
    """
    posted = await _at_once(db, order, key=key, now=now, policy=policy)
    if posted is None:
        posted = await _in_steps(db, order, key=key, now=now, policy=policy)
    if posted.was_repeated:
        return posted

    facts = [*_facts(order, posted, round_id), *tell(posted)]
    await actions.append_all(db, facts, at=now, policy=policy.actions)
    return posted


async def _at_once(db: Db, order: Order, *, key: Key, now: datetime, policy: WalletPolicy) -> Posted | None:
    """Coins alone, in one statement. None if it takes a closer look: at other money, or at why it did not go."""
    try:
        wanted = plain(order, stripe=key.key.int, closed=policy.closed)
    except (AmountInvalid, EdgeForbidden):  # The key may stand for something that was allowed then.
        return None
    if wanted is None:
        return None

    try:
        done = await store.carry_out(db, order, wanted, key=key, at=now)
    except asyncpg.UniqueViolationError as taken:
        raise Crossed(KEY_TAKEN) from taken
    if done is None:
        return None
    entries = tuple(
        each if each.balance_after is None else each._replace(balance_after=done.coins - each.balance_after)
        for each in wanted.entries
    )
    return Posted(done.tx_id, was_repeated=False, entries=entries, held={Pocket.COINS: done.coins})


async def _in_steps(db: Db, order: Order, *, key: Key, now: datetime, policy: WalletPolicy) -> Posted:
    loaded = await load(db, order.user_id, key)
    if loaded.taken:
        return await repeated(db, loaded, order.body_hash)
    lots = await _lots(db, order, policy.closed)

    decided = decide(
        order, balances=loaded.balances, lots=lots, tx_id=loaded.tx_id, stripe=loaded.tx_id, closed=policy.closed
    )

    tx = Writing(loaded.tx_id, key, order.body_hash, order.kind, order.user_id, now)
    return await save(db, tx, decided, loaded)


async def load(db: Db, user_id: int, key: Key) -> Loaded:
    """Lock the user's accounts, which are made if there are none."""
    loaded = await store.load(db, user_id, key)
    if len(loaded.balances) < len(Pocket) and not loaded.taken:
        await store.add_accounts(db, user_id)
        loaded = await store.load(db, user_id, key)
    return loaded


async def repeated(db: Db, loaded: Loaded, body_hash: bytes) -> Posted:
    """What happened the first time. Raises `KeyReused` if that was something else."""
    assert loaded.taken is not None
    if loaded.taken.body_hash != body_hash:
        raise KeyReused
    entries = await store.entries_of(db, loaded.taken.id)
    return Posted(loaded.taken.id, was_repeated=True, entries=tuple(entries), held=loaded.balances)


async def _lots(db: Db, order: Order, closed: AbstractSet[Edge]) -> list[Lot]:
    wanted: dict[tuple[Pocket, ...], int] = {}
    for move in order.moves:
        if isinstance(move, Take) and (pockets := tuple(p for p in open_pockets(move, closed) if p.has_lots)):
            wanted[pockets] = wanted.get(pockets, 0) + move.amount
    found: set[Lot] = set()
    for pockets, amount in wanted.items():
        found.update(await store.oldest_lots(db, order.user_id, pockets, amount=amount))
    return sorted(found, key=lambda lot: lot.id)


async def save(db: Db, tx: Writing, decided: Decision, loaded: Loaded) -> Posted:
    """Write what was decided; what the user holds then."""
    try:
        await store.write(db, tx, decided)
    except asyncpg.UniqueViolationError as taken:
        raise Crossed(KEY_TAKEN) from taken
    held = dict(loaded.balances)
    for entry in decided.entries:
        pocket = pocket_of(entry.account_id)
        if pocket is not None and entry.balance_after is not None:
            held[pocket] = entry.balance_after
    return Posted(tx.id, was_repeated=False, entries=decided.entries, held=held)


def _facts(order: Order, posted: Posted, round_id: UUID | None) -> Iterator[Fact]:
    """What the wallet says. It says nothing of coins."""
    if order.currencies == [Currency.COIN]:
        return iter(())
    return facts_of(
        order.user_id,
        posted.entries,
        token_balance=posted.balance(Currency.CYBER_TOKEN),
        pending_gems=posted.pending_gems,
        round_id=round_id,
    )
