"""What slices above may do with the log: append what their commands did, in the same transaction."""

from casino_club.features.actions.commands.events import Event, append, append_all, lock_users
from casino_club.features.actions.rules.admission import ActionPolicy

__all__ = ["ActionPolicy", "Event", "append", "append_all", "lock_users"]
