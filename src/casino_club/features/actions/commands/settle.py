"""Settling what came in: in one transaction new rows are appended, refused ones kept, and both are counted.

So whatever a crash takes away, it takes from all three: the counts agree with the rows at every moment.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

import asyncpg
import msgspec

from casino_club.features.actions.commands.append import Draft, Key, UsersWithoutRow, drafted, write
from casino_club.features.actions.rules.admission import ActionPolicy, ReadyRow
from casino_club.features.actions.store import counting, writing
from casino_club.features.actions.store.counting import IntakeCounts
from casino_club.features.actions.store.refusals import RefusedRow, keep_refused
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.partitions import Log, NoRoom
from casino_club.kernel.clock import from_us
from casino_club.kernel.errors import Unavailable

ATTEMPTS_MAX = 12


class Status(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    GONE = "gone"
    """The user has been erased; there is no id."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A row's verdict; the id is that of the action first recorded under the key."""

    status: Status
    id: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows as they came, the draft of those that are not repeated, and for each repeat the place of its first."""

    rows: Sequence[ReadyRow]
    repeats: dict[int, int]
    draft: Draft


Book = Callable[[Db, Sequence[Outcome]], Awaitable[None]]
"""Notes in the rows' transaction what follows from their outcomes. Called again if that has to be repeated."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where rows came in: how many actions it read, how many of them it turned away, and all that it refuses.

    What it refuses depends on the rows' outcomes: those in conflict, or of the erased, are refused as well.
    """

    received: int
    turned_away: int
    refused: Callable[[Sequence[Outcome]], Sequence[RefusedRow]]
    book: Book | None = None
    """A door's own book, if it has one, stands for the review: what is refused is in there, and counts as not sent."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Rows whose keys were taken or whose users are gone, with their outcomes, and the draft of those that go in."""

    ready: Prepared
    taken: dict[int, Outcome]
    pending: Sequence[int]
    draft: Draft

    def outcomes(self, ids: Sequence[int]) -> list[Outcome]:
        """What becomes of every row as it came, if those that go in get these ids."""
        unique = [Outcome(Status.ACCEPTED, id_) for id_ in ids]
        if self.taken:
            settled = self.taken | dict(zip(self.pending, unique, strict=True))
            unique = [settled[place] for place in range(len(settled))]
        return _with_repeats(self.ready, unique) if self.ready.repeats else unique

    async def without(self, taken: dict[int, Outcome]) -> "Attempt":
        """The next attempt, without rows that turned out to go nowhere."""
        rows = [row for place, row in enumerate(self.draft.rows) if place not in taken]
        return Attempt(
            self.ready,
            self.taken | {self.pending[place]: outcome for place, outcome in taken.items()},
            [at for place, at in enumerate(self.pending) if place not in taken],
            await drafted(rows, now=from_us(self.draft.now_us)),
        )


async def prepared(rows: Sequence[ReadyRow], *, now: datetime) -> Prepared:
    """Do what can be done without the database."""
    repeats = _repeats_within(rows)
    unique = [row for place, row in enumerate(rows) if place not in repeats] if repeats else rows
    return Prepared(rows, repeats, await drafted(unique, now=now))


async def settle(log: Log, ready: Prepared, door: Door, *, policy: ActionPolicy) -> list[Outcome]:
    """Settle what came in through a door, in one transaction; the outcomes of prepared rows.

    If keys are taken, their rows get their first answer and the rest goes in.
    """
    attempt = Attempt(ready, {}, range(len(ready.draft.rows)), ready.draft)
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _try(log.database, attempt, door, policy)
        except asyncpg.UniqueViolationError:
            attempt = await attempt.without(await _find_taken(log.database, attempt.draft.rows))
        except UsersWithoutRow as missing:
            erased = await log.database.run(partial(writing.add_users, users=missing.users))
            attempt = await attempt.without(_of_the_erased(attempt.draft.rows, erased)) if erased else attempt
        except NoRoom:
            await log.make_room(for_rows=len(attempt.pending))
    raise Unavailable("Other requests kept claiming the same ids; send the same request again.")


async def _try(database: Database, attempt: Attempt, door: Door, policy: ActionPolicy) -> list[Outcome]:
    if not door.received:
        return []
    first = writing.LOCKS_IN_ORDER if attempt.pending else ""
    try:
        return await database.run(lambda db: _settle(db, attempt, door, policy), first=first)
    except asyncpg.CheckViolationError as violation:
        raise NoRoom from violation


async def _settle(db: Db, attempt: Attempt, door: Door, policy: ActionPolicy) -> list[Outcome]:
    counts = _counts(attempt, door)
    ids: Sequence[int] = ()
    if attempt.pending:
        ids = await write(db, attempt.draft, policy, counts)
    else:
        await counting.count(db, counts)
    outcomes = attempt.outcomes(ids)
    if door.book is not None:
        await door.book(db, outcomes)
    elif counts.refused:
        await keep_refused(db, door.refused(outcomes), now=from_us(attempt.draft.now_us))
    return outcomes


def _counts(attempt: Attempt, door: Door) -> IntakeCounts:
    """What this attempt does. What was received is the door's word, not the sum of what became of it."""
    accepted, now_us = len(attempt.pending), attempt.draft.now_us
    duplicate = refused = 0
    if attempt.taken or attempt.ready.repeats:
        expected = [outcome.status for outcome in attempt.outcomes([0] * accepted)]
        duplicate = expected.count(Status.DUPLICATE)
        refused = expected.count(Status.CONFLICT) + expected.count(Status.GONE)
    if door.book is not None:
        return IntakeCounts(now_us, accepted + duplicate, accepted, duplicate)
    return IntakeCounts(now_us, door.received, accepted, duplicate, door.turned_away + refused)


def _repeats_within(rows: Sequence[ReadyRow]) -> dict[int, int]:
    """Rows whose key an earlier row of the same batch has, with the place of that row."""
    keys = [(row.scope, row.key) for row in rows if row.key is not None]
    if len(set(keys)) == len(keys):
        return {}
    first: dict[Key, int] = {}
    repeats: dict[int, int] = {}
    for place, row in enumerate(rows):
        if row.key is not None:
            earlier = first.setdefault((row.scope, row.key), place)
            if earlier != place:
                repeats[place] = earlier
    return repeats


async def _find_taken(database: Database, rows: Sequence[ReadyRow]) -> dict[int, Outcome]:
    """The outcomes of rows whose key is taken."""
    async with database.connection() as db:
        taken = await writing.find_keys(db, rows)
    found = ((place, row, taken.get((row.scope, row.key))) for place, row in enumerate(rows) if row.key is not None)
    return {
        place: outcome_of_repeat(row.body_hash, first.body_hash, first.id)
        for place, row, first in found
        if first is not None
    }


def _of_the_erased(rows: Sequence[ReadyRow], erased: set[int]) -> dict[int, Outcome]:
    return {place: Outcome(Status.GONE, 0) for place, row in enumerate(rows) if row.user_id in erased}


def _with_repeats(ready: Prepared, unique: Sequence[Outcome]) -> list[Outcome]:
    first = iter(unique)
    complete: list[Outcome] = []
    for place, row in enumerate(ready.rows):
        earlier = ready.repeats.get(place)
        complete.append(next(first) if earlier is None else _repeated(row, ready.rows[earlier], complete[earlier]))
    return complete


def _repeated(row: ReadyRow, first: ReadyRow, outcome: Outcome) -> Outcome:
    if outcome.status in (Status.CONFLICT, Status.GONE):
        return outcome
    return outcome_of_repeat(row.body_hash, first.body_hash, outcome.id)


def outcome_of_repeat(body_hash: bytes, first_hash: bytes, first_id: int) -> Outcome:
    """The same body again is a duplicate; another body under the same key is a conflict."""
    return Outcome(Status.DUPLICATE if body_hash == first_hash else Status.CONFLICT, first_id)
