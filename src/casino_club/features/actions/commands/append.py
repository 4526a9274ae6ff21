"""Appending to the log: lock the users, draw ids, claim the keys, copy the rows with each user's standing.

Ids rise per user, because an id is drawn after its user is locked. Every transaction takes users, then keys, in order.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

import asyncpg
import msgspec

from casino_club.features.actions import store
from casino_club.features.actions.rules.admission import ActionPolicy, ReadyRow
from casino_club.features.actions.rules.standing import Standing, after_action
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.partitions import Log, NoRoom
from casino_club.kernel.clock import from_us, to_us
from casino_club.kernel.errors import Unavailable

ATTEMPTS_MAX = 12
ROWS_PER_TURN = 100
"""Whoever else waits for the event loop gets a turn after so many rows."""

ROWS_PER_WRITE = 250
"""PostgreSQL begins to insert after so many."""

Key = tuple[int, bytes]


class Status(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A row's verdict; the id is that of the action first recorded under the key."""

    status: Status
    id: int


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows with all that can be worked out before any of their users is locked. No two rows share a key."""

    rows: Sequence[ReadyRow]
    now_us: int
    heads: Sequence[bytes]
    tallies: dict[int, store.Tally]
    key_order: Sequence[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows as they came, the draft of those that are not repeated, and for each repeat the place of its first."""

    rows: Sequence[ReadyRow]
    repeats: dict[int, int]
    draft: Draft


class UsersWithoutRow(Exception):
    """These users have no row to lock yet."""

    def __init__(self, users: Sequence[int]) -> None:
        super().__init__()
        self.users = users


async def record(log: Log, rows: Sequence[ReadyRow], *, now: datetime, policy: ActionPolicy) -> list[Outcome]:
    """Append the rows that are new, in one transaction, and say of each what became of it."""
    return await record_prepared(log, await prepared(rows, now=now), policy=policy)


async def prepared(rows: Sequence[ReadyRow], *, now: datetime) -> Prepared:
    """Do what can be done without the database."""
    repeats = _repeats_within(rows)
    unique = [row for place, row in enumerate(rows) if place not in repeats] if repeats else rows
    return Prepared(rows, repeats, await drafted(unique, now=now))


async def record_prepared(log: Log, ready: Prepared, *, policy: ActionPolicy) -> list[Outcome]:
    """Append prepared rows; the same as `record`."""
    outcomes = await _record_draft(log, ready.draft, policy)
    if not ready.repeats:
        return outcomes
    first = iter(outcomes)
    complete: list[Outcome] = []
    for place, row in enumerate(ready.rows):
        earlier = ready.repeats.get(place)
        complete.append(next(first) if earlier is None else _repeated(row, ready.rows[earlier], complete[earlier]))
    return complete


async def drafted(rows: Sequence[ReadyRow], *, now: datetime) -> Draft:
    """Work out what does not need the database."""
    now_us = to_us(now)
    appended = store.instant_field(now_us)
    heads: list[bytes] = []
    tallies: dict[int, store.Tally] = {}
    for start in range(0, len(rows), ROWS_PER_TURN):
        for row in rows[start : start + ROWS_PER_TURN]:
            tallies[row.user_id] = _tallied(tallies.get(row.user_id), row.at_us, row.is_play)
            heads.append(store.encoded_head(row, appended))
        await asyncio.sleep(0)
    keyed = [place for place, row in enumerate(rows) if row.key is not None]
    return Draft(rows, now_us, heads, tallies, sorted(keyed, key=lambda place: _key(rows[place])))


async def _record_draft(log: Log, draft: Draft, policy: ActionPolicy) -> list[Outcome]:
    """Append a draft in one transaction. If keys are taken, their rows get their first answer and the rest goes in."""
    settled: dict[int, Outcome] = {}
    pending = list(range(len(draft.rows)))
    for _ in range(ATTEMPTS_MAX):
        if not pending:
            return [settled[place] for place in range(len(settled))]
        try:
            ids = await _append_once(log.database, draft, policy)
        except asyncpg.UniqueViolationError:
            taken = await _settle_taken(log.database, draft.rows)
            settled |= {pending[place]: outcome for place, outcome in taken.items()}
            pending = [at for place, at in enumerate(pending) if place not in taken]
            draft = await _without(draft, taken)
        except UsersWithoutRow as missing:
            await log.database.run(partial(store.add_users, users=missing.users))
        except NoRoom:
            await log.make_room(for_rows=len(pending))
        else:
            settled |= {at: Outcome(Status.ACCEPTED, id_) for at, id_ in zip(pending, ids, strict=True)}
            pending = []
    raise Unavailable("Other requests kept claiming the same ids; send the same request again.")


async def _append_once(database: Database, draft: Draft, policy: ActionPolicy) -> list[int]:
    try:
        return await database.run(lambda db: write(db, draft, policy), first=store.LOCKS_IN_ORDER)
    except asyncpg.CheckViolationError as violation:
        raise NoRoom from violation


async def write(db: Db, draft: Draft, policy: ActionPolicy) -> list[int]:
    """Append a draft in the caller's transaction; the rows' ids. Raises UsersWithoutRow, and what taken keys raise."""
    locked = await store.lock_users(
        db,
        sorted(draft.tallies.items()),
        gap_us=policy.streak_gap_us,
        day_start_us=policy.calendar.day_bounds_us(draft.now_us)[0],
    )
    if len(locked) < len(draft.tallies):
        raise UsersWithoutRow([user for user in draft.tallies if user not in locked])
    standings = {user: user_locked.before for user, user_locked in locked.items()}
    ids = await store.claim(db, draft.rows, draft.key_order)

    await store.copy_rows(db, _encoded(draft, ids, standings, policy))
    amended = {user: standing for user, standing in standings.items() if _was_misguessed(locked[user], standing)}
    if amended:
        await store.save_standing(db, amended)
    return ids


def _was_misguessed(locked: store.Locked, standing: Standing) -> bool:
    return locked.guessed_streak != standing.streak or locked.guessed_day_plays != standing.day_plays


async def _encoded(
    draft: Draft, ids: Sequence[int], standings: dict[int, Standing], policy: ActionPolicy
) -> AsyncIterator[bytes]:
    """The rows for COPY. PostgreSQL inserts what has gone out while the rest is worked out; standings end up final."""
    gap_us, day_bounds = policy.streak_gap_us, policy.calendar.day_bounds_us
    for start in range(0, len(ids), ROWS_PER_WRITE):
        parts: list[bytes] = []
        for place in range(start, min(start + ROWS_PER_WRITE, len(ids))):
            row = draft.rows[place]
            standing = after_action(
                standings[row.user_id], at_us=row.at_us, is_play=row.is_play, gap_us=gap_us, day_bounds=day_bounds
            )
            standings[row.user_id] = standing
            parts += (draft.heads[place], store.encoded_tail(ids[place], standing))
        yield b"".join(parts)


def _tallied(tally: store.Tally | None, at_us: int, is_play: bool) -> store.Tally:
    if tally is None:
        return store.Tally(1, at_us, at_us, at_us) if is_play else store.Tally(0, 0, 0, at_us)
    action_us = max(tally.last_action_us, at_us)
    if is_play:
        last_us = max(tally.last_play_us, at_us)
        return store.Tally(tally.plays + 1, tally.first_play_us or at_us, last_us, action_us)
    return store.Tally(tally.plays, tally.first_play_us, tally.last_play_us, action_us)


def _key(row: ReadyRow) -> Key:
    assert row.key is not None
    return row.scope, row.key


def _repeats_within(rows: Sequence[ReadyRow]) -> dict[int, int]:
    """Rows whose key an earlier row of the same batch has, with the place of that row."""
    first: dict[Key, int] = {}
    repeats: dict[int, int] = {}
    for place, row in enumerate(rows):
        if row.key is not None:
            earlier = first.setdefault((row.scope, row.key), place)
            if earlier != place:
                repeats[place] = earlier
    return repeats


async def _settle_taken(database: Database, rows: Sequence[ReadyRow]) -> dict[int, Outcome]:
    """The outcomes of rows whose key is taken."""
    async with database.connection() as db:
        taken = await store.find_keys(db, rows)
    found = ((place, row, taken.get((row.scope, row.key))) for place, row in enumerate(rows) if row.key is not None)
    return {
        place: outcome_of_repeat(row.body_hash, first.body_hash, first.id)
        for place, row, first in found
        if first is not None
    }


async def _without(draft: Draft, taken: dict[int, Outcome]) -> Draft:
    rows = [row for place, row in enumerate(draft.rows) if place not in taken]
    return await drafted(rows, now=from_us(draft.now_us))


def _repeated(row: ReadyRow, first: ReadyRow, outcome: Outcome) -> Outcome:
    if outcome.status is Status.CONFLICT:
        return outcome
    return outcome_of_repeat(row.body_hash, first.body_hash, outcome.id)


def outcome_of_repeat(body_hash: bytes, first_hash: bytes, first_id: int) -> Outcome:
    """The same body again is a duplicate; another body under the same key is a conflict."""
    return Outcome(Status.DUPLICATE if body_hash == first_hash else Status.CONFLICT, first_id)
