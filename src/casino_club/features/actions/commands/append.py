"""Appending to the log: lock the users, draw ids, claim the keys, copy the rows with each user's standing.

Ids rise per user, because an id is drawn after its user is locked. Every transaction takes users, then keys, in order.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions.rules.admission import ActionPolicy, ReadyRow
from casino_club.features.actions.rules.standing import Standing, after_action
from casino_club.features.actions.store import writing
from casino_club.features.actions.store.counting import IntakeCounts
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us

ROWS_PER_TURN = 100
"""Whoever else waits for the event loop gets a turn after so many rows."""

ROWS_PER_WRITE = 250
"""PostgreSQL begins to insert after so many."""

Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows with all that can be worked out before any of their users is locked. No two rows share a key."""

    rows: Sequence[ReadyRow]
    now_us: int
    heads: Sequence[bytes]
    tallies: dict[int, writing.Tally]
    key_order: Sequence[int]


class UsersWithoutRow(Exception):
    """These users have no row to lock yet, or have been erased."""

    def __init__(self, users: Sequence[int]) -> None:
        super().__init__()
        self.users = users


async def drafted(rows: Sequence[ReadyRow], *, now: datetime) -> Draft:
    """Work out what does not need the database."""
    now_us = to_us(now)
    appended = writing.instant_field(now_us)
    heads: list[bytes] = []
    tallies: dict[int, writing.Tally] = {}
    for start in range(0, len(rows), ROWS_PER_TURN):
        for row in rows[start : start + ROWS_PER_TURN]:
            tallies[row.user_id] = _tallied(tallies.get(row.user_id), row.at_us, row.is_play)
            heads.append(writing.encoded_head(row, appended))
        await asyncio.sleep(0)
    keys = [(row.scope, row.key or b"") for row in rows]
    keyed = [place for place, row in enumerate(rows) if row.key is not None]
    return Draft(rows, now_us, heads, tallies, sorted(keyed, key=keys.__getitem__))


async def write(db: Db, draft: Draft, policy: ActionPolicy, counts: IntakeCounts) -> list[int]:
    """Append a draft in the caller's transaction, and count it; the rows' ids.

    Raises UsersWithoutRow before anything is counted, and what taken keys raise.
    """
    locked = await writing.lock_users(
        db,
        sorted(draft.tallies.items()),
        gap_us=policy.streak_gap_us,
        day_start_us=policy.calendar.day_bounds_us(_latest_us(draft))[0],
    )
    if len(locked) < len(draft.tallies):
        raise UsersWithoutRow([user for user in draft.tallies if user not in locked])
    standings = {user: user_locked.before for user, user_locked in locked.items()}
    ids = await writing.claim(db, draft.rows, draft.key_order, counts)

    await writing.copy_rows(db, _encoded(draft, ids, standings, policy))
    amended = {user: standing for user, standing in standings.items() if _was_misguessed(locked[user], standing)}
    if amended:
        await writing.save_standing(db, amended)
    return ids


def _latest_us(draft: Draft) -> int:
    """The instant whose day most plays are taken to belong to: now for live traffic, its own time for history."""
    return max((tally.last_play_us for tally in draft.tallies.values()), default=0) or draft.now_us


def _was_misguessed(locked: writing.Locked, standing: Standing) -> bool:
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
            parts += (draft.heads[place], writing.encoded_tail(ids[place], standing))
        yield b"".join(parts)


def _tallied(tally: writing.Tally | None, at_us: int, is_play: bool) -> writing.Tally:
    if tally is None:
        return writing.Tally(1, at_us, at_us, at_us) if is_play else writing.Tally(0, 0, 0, at_us)
    action_us = max(tally.last_action_us, at_us)
    if is_play:
        last_us = max(tally.last_play_us, at_us)
        return writing.Tally(tally.plays + 1, tally.first_play_us or at_us, last_us, action_us)
    return writing.Tally(tally.plays, tally.first_play_us, tally.last_play_us, action_us)


def key_of(row: ReadyRow) -> Key:
    assert row.key is not None
    return row.scope, row.key
