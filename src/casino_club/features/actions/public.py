"""What slices above may do with the log: append what their commands did, in the same transaction, and count it."""

from casino_club.features.actions.commands.events import Event, append, append_all, lock_users
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.features.actions.rules.counts import MinuteCounts
from casino_club.features.actions.rules.refusals import UserGone
from casino_club.features.actions.store.counting import forget_counts, recount, take_counts
from casino_club.features.actions.store.leaving import close_user, is_erased

__all__ = [
    "ActionPolicy",
    "Event",
    "MinuteCounts",
    "UserGone",
    "append",
    "append_all",
    "close_user",
    "forget_counts",
    "is_erased",
    "lock_users",
    "recount",
    "take_counts",
]
