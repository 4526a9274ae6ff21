"""The two doors that each slice has for a person: one takes them out of its stores, one hands out what it keeps.

Slices declare them in their `jobs.py`, entry points collect them. An erasure is done once every eraser has confirmed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino_club.infra.log.effects import Stores
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.vault import Vault


class NotYet(Exception):
    """Something of the user can't be taken away just now; the eraser is to be asked again later."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where something of users may lie, and what opens it."""

    stores: Stores
    vault: Vault
    subscriptions: Sequence[Subscription]


@dataclass(frozen=True, slots=True)
class Erased:
    """Who goes, with the id of the last row that the log takes of them, and when they are asked for."""

    user_id: int
    row_id: int
    at: datetime


Erase = Callable[[Reach, Erased], Awaitable[None]]
"""Returns once nothing of the user is left. May be called again; raises NotYet, or what a store that is away raises."""

Record = Mapping[str, Any]
Hand = Callable[[Reach, int], AsyncIterator[Record]]
"""All that is kept of this user, record by record, readable. Nothing of anybody else."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Takes a user out of one store, or out of a slice's part of it."""

    name: str
    about: str
    run: Erase


@dataclass(frozen=True, slots=True)
class Exporter:
    """Hands out one kind of record, as one file of an export."""

    name: str
    about: str
    about_ko: str
    """The same for those who read Korean: people get both."""
    records: Hand


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of a user who is erased, and why that may be: rows that know users by number and hold no more."""

    name: str
    about: str


def kept(name: str, *, about: str) -> Kept:
    """Say that rows stay."""
    return Kept(name, about)


def erase(name: str, *, about: str) -> Callable[[Erase], Eraser]:
    """Make a function an eraser. `about` says what is taken away."""
    return lambda run: Eraser(name, about, run)


def export(name: str, *, about: str, about_ko: str) -> Callable[[Hand], Exporter]:
    """Make a generator an exporter. `about` tells a person, in plain words, what the file holds."""
    return lambda records: Exporter(name, about, about_ko, records)
