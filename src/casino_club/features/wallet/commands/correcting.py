"""Staff correct transactions: small ones alone, large ones two together. Each is a deed."""

from datetime import datetime

from casino_club.features.wallet.commands.posting import WalletPolicy
from casino_club.features.wallet.commands.taking_back import correct
from casino_club.features.wallet.rules import correcting as rules
from casino_club.features.wallet.rules.correcting import Correction
from casino_club.features.wallet.rules.refusals import AlreadyCorrected, CorrectionOpen, TransactionMissing
from casino_club.features.wallet.store import corrections, reading
from casino_club.features.wallet.store.posting import Key
from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Arguments
from casino_club.infra.db.database import Db
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import UserSubject


async def propose(
    db: Db, tx_id: int, *, because: str, by: UserSubject, now: datetime, policy: WalletPolicy
) -> Correction:
    """Propose to undo a transaction. Up to the limit it is undone at once; above, when another person approves."""
    found = await reading.transaction(db, tx_id)
    if found is None:
        raise TransactionMissing
    if found.corrects is not None or await reading.is_corrected(db, tx_id):
        raise AlreadyCorrected
    largest = max((abs(each.amount) for each in await reading.changes_in(db, [tx_id])), default=0)

    proposed = await corrections.add(db, tx_id, because=because, largest_amount=largest, by_user_id=by.user_id, now=now)
    if proposed is None:
        raise CorrectionOpen
    if rules.may_be_alone(largest, alone_max=policy.corrected_alone_max):
        return await _carry_out(db, proposed, "propose_correction", by=by, now=now, policy=policy)

    how: Arguments = {"transaction": tx_id, "because": because}
    await deeds.note(db, by, "propose_correction", f"correction:{proposed.id}", how, now=now)
    return proposed


async def approve(db: Db, correction_id: int, *, by: UserSubject, now: datetime, policy: WalletPolicy) -> Correction:
    """Carry out what another person proposed. Raises what speaks against it by now; it stays open then."""
    proposed = await corrections.locked(db, correction_id)
    rules.may_approve(proposed, by.user_id)

    return await _carry_out(db, proposed, "approve_correction", by=by, now=now, policy=policy)


async def withdraw(db: Db, correction_id: int, *, by: UserSubject, now: datetime) -> Correction:
    """Give a proposal up."""
    proposed = await corrections.locked(db, correction_id)
    rules.check_open(proposed)

    settled = await corrections.settle(db, correction_id, by_user_id=by.user_id, now=now, correction_tx_id=None)

    how = {"transaction": proposed.tx_id}
    await deeds.note(db, by, "withdraw_correction", f"correction:{correction_id}", how, now=now)
    return settled


async def _carry_out(
    db: Db, proposed: Correction, verb: str, *, by: UserSubject, now: datetime, policy: WalletPolicy
) -> Correction:
    key = Key("correction", derived_uuid("correction", proposed.id))
    posted = await correct(db, proposed.tx_id, key=key, now=now, policy=policy)

    settled = await corrections.settle(db, proposed.id, by_user_id=by.user_id, now=now, correction_tx_id=posted.tx_id)

    how: Arguments = {"transaction": proposed.tx_id, "because": proposed.because, "corrected_by": posted.tx_id}
    await deeds.note(db, by, verb, f"correction:{proposed.id}", how, now=now)
    return settled
