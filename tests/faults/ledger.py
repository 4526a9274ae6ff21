"""What the clients of the load know: everything they sent, and every acknowledgement they were given."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID


class Action(NamedTuple):
    """One action as a client means it. Without a time of its own it happens when it arrives."""

    client_id: UUID
    user_id: int
    action_type: str
    value: int | None
    metadata: dict[str, Any]
    at: datetime | None

    def as_sent(self) -> dict[str, Any]:
        body = {
            "user_id": self.user_id,
            "action_type": self.action_type,
            "client_action_id": str(self.client_id),
            "metadata": self.metadata,
            "value": self.value,
            "action_timestamp": self.at.isoformat() if self.at else None,
        }
        return {name: held for name, held in body.items() if held is not None}


@dataclass(slots=True)
class Entry:
    """One action's story, told in ticks of the ledger: an event that comes later has the higher tick."""

    action: Action
    sent_at: int
    acknowledged_at: int | None = None
    id: int | None = None


@dataclass
class Ledger:
    """The clients' side of the truth."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """Whatever no client may ever meet: errors that are not outages, verdicts that change."""
    clock_error: timedelta = timedelta()
    """How far the clock of the API may have jumped between an action's arrival and its place in the log."""
    tick: int = 0
    acknowledged: int = 0

    def send(self, actions: Iterable[Action]) -> None:
        """Called before the first byte leaves; sending the same action again changes nothing."""
        for action in actions:
            if action.client_id not in self.entries:
                self.entries[action.client_id] = Entry(action, self._next_tick())

    def acknowledge(self, action: Action, action_id: int) -> None:
        """Called after the last byte of the answer."""
        entry = self.entries[action.client_id]
        if entry.acknowledged_at is None:
            entry.acknowledged_at, entry.id = self._next_tick(), action_id
            self.acknowledged += 1
        elif entry.id != action_id:
            self.faults.append(f"{action.client_id} was acknowledged as {entry.id} and later as {action_id}")

    def _next_tick(self) -> int:
        self.tick += 1
        return self.tick
