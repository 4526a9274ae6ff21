"""Refunds and corrections: what happened stays, and a new transaction takes it back."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.wallet.commands.facts import correction_facts
from casino_club.features.wallet.commands.posting import Posted, WalletPolicy, load, repeated, save
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.orders import Decision, marked_hash
from casino_club.features.wallet.rules.refusals import AlreadyCorrected, LotMissing, TransactionMissing
from casino_club.features.wallet.rules.undoing import emptied, mirrored
from casino_club.features.wallet.store import posting as store
from casino_club.features.wallet.store import reading
from casino_club.features.wallet.store.posting import Key, Loaded, Writing
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency


async def refund(
    db: Db, user_id: int, pocket: Pocket, origin: str, *, key: Key, now: datetime, policy: WalletPolicy
) -> Posted:
    """Take back what is left of what came in from there, and of nothing else. What was spent of it stays spent."""
    await actions.lock_users(db, [user_id])
    loaded = await load(db, user_id, key)
    body_hash = marked_hash("refund", user_id, pocket.name, origin)
    if loaded.taken:
        return await repeated(db, loaded, body_hash)
    lot = await store.lot_of_origin(db, user_id, pocket, origin)
    if lot is None:
        raise LotMissing

    decided = emptied(user_id, lot, to=House.PAYMENTS, held=loaded.balances[pocket], stripe=loaded.tx_id)

    tx = Writing(loaded.tx_id, key, body_hash, "refund", user_id, now)
    return await _take_back(db, tx, decided, loaded, policy)


async def correct(db: Db, tx_id: int, *, key: Key, now: datetime, policy: WalletPolicy) -> Posted:
    """Undo a transaction, entry by entry. Raises `InsufficientFunds` if the user has spent what it brought."""
    found = await reading.transaction(db, tx_id)
    if found is None:
        raise TransactionMissing
    await actions.lock_users(db, [found.user_id])
    loaded = await load(db, found.user_id, key)
    body_hash = marked_hash("correction", found.user_id, tx_id)
    if loaded.taken:
        return await repeated(db, loaded, body_hash)
    if found.corrects is not None or await reading.is_corrected(db, tx_id):
        raise AlreadyCorrected
    entries = await store.entries_of(db, tx_id)
    lots = await store.lots_with_ids(db, [each.lot_id for each in entries if each.lot_id is not None])

    decided = mirrored(entries, balances=loaded.balances, lots=lots)

    tx = Writing(loaded.tx_id, key, body_hash, "correction", found.user_id, now, corrects=tx_id)
    return await _take_back(db, tx, decided, loaded, policy)


async def _take_back(db: Db, tx: Writing, decided: Decision, loaded: Loaded, policy: WalletPolicy) -> Posted:
    posted = await save(db, tx, decided, loaded)
    facts = correction_facts(
        tx.user_id,
        posted.entries,
        token_balance=posted.balance(Currency.CYBER_TOKEN),
        pending_gems=posted.pending_gems,
    )
    await actions.append_all(db, list(facts), at=tx.posted_at, policy=policy.actions)
    return posted
