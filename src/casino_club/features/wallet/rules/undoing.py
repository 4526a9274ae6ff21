"""How what happened is taken back: by a new transaction that mirrors the old one, or empties one lot."""

from collections.abc import Mapping, Sequence

from casino_club.features.wallet.rules.accounts import House, Pocket, account_of, house_account, pocket_of
from casino_club.features.wallet.rules.orders import Decision, Entry, Lot
from casino_club.features.wallet.rules.refusals import InsufficientFunds


def mirrored(entries: Sequence[Entry], *, balances: Mapping[Pocket, int], lots: Mapping[int, Lot]) -> Decision:
    """Each entry backwards, lot by lot. Raises `InsufficientFunds` if the user has spent what came in."""
    held, left = dict(balances), {lot.id: lot.remaining for lot in lots.values()}
    undone = []
    for entry in reversed(entries):
        pocket, after = pocket_of(entry.account_id), None
        if pocket is not None:
            available = held.get(pocket, 0) if entry.lot_id is None else left[entry.lot_id]
            if available < entry.amount:
                raise InsufficientFunds(pocket.currency, wanted=entry.amount, available=available)
            held[pocket] = after = held.get(pocket, 0) - entry.amount
            if entry.lot_id is not None:
                left[entry.lot_id] -= entry.amount
        undone.append(Entry(entry.account_id, entry.lot_id, -entry.amount, after))
    return Decision(tuple(undone), ())


def emptied(user_id: int, lot: Lot, *, to: House, held: int, stripe: int) -> Decision:
    """What is left of a lot goes back to where it came from. What was spent of it stays spent."""
    if not lot.remaining:
        return Decision((), ())
    after = held - lot.remaining
    out = Entry(account_of(user_id, lot.pocket), lot.id, -lot.remaining, after)
    back = Entry(house_account(to, lot.pocket.currency, stripe=stripe), None, lot.remaining, None)
    return Decision((out, back), ())
