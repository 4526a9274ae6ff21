"""Erasures, noted in a file outside of the database, so that one restored from a dump can be told who is gone.

A line per change: numbers and instants, nothing personal. Lines are appended and never altered.
"""

import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import msgspec

from casino_club.infra.ports import Unusable


class Change(StrEnum):
    """What became of an erasure. From `begun` on there is no way back."""

    ASKED = "asked"
    TAKEN_BACK = "taken_back"
    BEGUN = "begun"


class Entry(msgspec.Struct, frozen=True):
    """One change. `code` is what is kept of the receipt code, in hexadecimal."""

    id: UUID
    user_id: int
    change: Change
    asked_at: datetime
    due_at: datetime
    code: str | None = None


class Journal:
    """The file. Whoever carries erasures out writes it; whoever restores a dump reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, entry: Entry) -> None:
        """Append a line; it is on the disk when this returns. Raises Unusable."""
        # A line that a crash has cut short must not swallow the next one, so each begins on a line of its own.
        line = b"\n" + msgspec.json.encode(entry) + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written = os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise Unusable(self._sentence(error.strerror or str(error))) from error
        if written != len(line):
            raise Unusable(self._sentence("the disk is full"))

    def latest(self) -> dict[UUID, Entry]:
        """The last change of each erasure, in the order in which they were first noted. Raises Unusable."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unusable(self._sentence(error.strerror or str(error))) from error
        decode = msgspec.json.Decoder(Entry).decode
        found: dict[UUID, Entry] = {}
        for line in lines:
            # What a crash has cut short was never confirmed, and is noted again.
            if line.endswith(b"}"):
                entry = decode(line)
                found[entry.id] = entry
        return found

    def _sentence(self, why: str) -> str:
        return (
            f"{self.path}, the journal of erasures, can't be used ({why}); make it yours and make room for it, or name "
            "another file in CASINO_CLUB_ERASURE_JOURNAL and move it there."
        )
