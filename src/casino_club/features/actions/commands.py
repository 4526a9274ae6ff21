"""Appending to the log: lock the users, claim the keys, draw ids, work out standings, copy the rows.

Rows reach the log in the order given; ids rise per user, because an id is drawn after its user is locked.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import asyncpg
import msgspec

from casino_club.features.actions import store
from casino_club.features.actions.rules.admission import (
    PLATFORM_SCOPE,
    USERS_SCOPE,
    ActionPolicy,
    ReadyRow,
    admitted,
)
from casino_club.features.actions.rules.refusals import InvalidAction, KeyConflict
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow, decoded_action
from casino_club.features.actions.rules.standing import Standing, after_action
from casino_club.infra.db.database import Database, Db
from casino_club.infra.db.group_commit import GroupCommit
from casino_club.infra.log.partitions import Log, NoRoom
from casino_club.infra.telemetry import metrics
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Kind, Refused, Unavailable
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import Scope, ServiceSubject, Subject, UserSubject

ATTEMPTS_MAX = 12
ROWS_PER_SLICE = 1_000
"""Other requests get their turn on the event loop after so many rows."""


class Status(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Outcome(NamedTuple):
    """A row's verdict; the id is that of the action first recorded under the key."""

    status: Status
    id: int


Singles = GroupCommit[ReadyRow, Outcome]
"""Where single actions meet, to share a transaction."""

REFUSED_BODY_BYTES_MAX = 16_384


class AlreadySettled(Refused):
    """A refused action can be replayed or dismissed once."""

    code = "refused_action_settled"
    kind = Kind.CONFLICT


class NoSuchRefused(Refused):
    """There is no refused action with this id."""

    code = "refused_action_missing"
    kind = Kind.MISSING


class _UsersWithoutRow(Exception):
    def __init__(self, users: Sequence[int]) -> None:
        super().__init__()
        self.users = users


async def record(log: Log, rows: Sequence[ReadyRow], *, now: datetime, policy: ActionPolicy) -> list[Outcome]:
    """Append the rows that are new, in one transaction, and say of each what became of it."""
    database = log.database
    outcomes: list[Outcome | None] = [None] * len(rows)
    repeats = _repeats_within(rows)
    pending = [place for place in range(len(rows)) if place not in repeats]

    for _ in range(ATTEMPTS_MAX):
        if not pending:
            break
        try:
            ids = await _append(database, [rows[place] for place in pending], now=now, policy=policy)
        except asyncpg.UniqueViolationError:
            async with database.connection() as db:
                taken = await store.find_keys(db, [rows[place] for place in pending])
            pending = _settle_taken(rows, pending, taken, outcomes)
        except _UsersWithoutRow as missing:
            await database.run(partial(store.add_users, users=missing.users))
        except NoRoom:
            await log.make_room(for_rows=len(pending))
        else:
            for place, action_id in zip(pending, ids, strict=True):
                outcomes[place] = Outcome(Status.ACCEPTED, action_id)
            pending = []

    if pending:
        raise Unavailable("Other requests kept claiming the same ids; send the same request again.")
    for place, first in repeats.items():
        outcomes[place] = _repeated(rows[place], rows[first], outcomes[first])
    return [outcome for outcome in outcomes if outcome is not None]


async def _append(database: Database, rows: Sequence[ReadyRow], *, now: datetime, policy: ActionPolicy) -> list[int]:
    tallies = _tallied(rows)
    users = sorted(tallies)

    async def work(db: Db) -> list[int]:
        return await append(db, rows, users, [tallies[user] for user in users], now_us=to_us(now), policy=policy)

    try:
        return await database.run(work, first=store.LOCKS_IN_ORDER)
    except asyncpg.CheckViolationError as violation:
        raise NoRoom from violation


async def append(
    db: Db,
    rows: Sequence[ReadyRow],
    users: Sequence[int],
    tallies: Sequence[store.Tally],
    *,
    now_us: int,
    policy: ActionPolicy,
) -> list[int]:
    """Append rows in the caller's transaction; their ids, in the same order. While PostgreSQL works, we encode."""
    day_start_us, _ = policy.calendar.day_bounds_us(now_us)
    locking = asyncio.create_task(
        store.lock_users(db, users, tallies, gap_us=policy.streak_gap_us, day_start_us=day_start_us)
    )
    try:
        heads = await _encoded_heads(rows, now_us)
        key_order = sorted((place for place, row in enumerate(rows) if row.key), key=lambda place: _key(rows[place]))
    finally:
        locked = await locking
    if len(locked) < len(users):
        raise _UsersWithoutRow([user for user in users if user not in locked])

    ids = await store.draw_ids(db, len(rows))
    claiming = asyncio.create_task(_claim_keys(db, rows, ids, key_order))
    try:
        tails, standings = await _tails(rows, ids, locked, policy)
    finally:
        await claiming

    await store.copy_rows(db, store.encoded_rows(heads, tails))
    amended = {user: s for user, s in standings.items() if locked[user].guessed != (s.streak, s.day_plays)}
    if amended:
        await store.save_standing(db, amended)
    return ids


async def _claim_keys(db: Db, rows: Sequence[ReadyRow], ids: Sequence[int], order: Sequence[int]) -> None:
    if order:
        await store.copy_keys(db, store.encoded_keys(rows, ids, order))


async def _encoded_heads(rows: Sequence[ReadyRow], now_us: int) -> list[bytes]:
    appended = store.instant_field(now_us)
    heads: list[bytes] = []
    for start in range(0, len(rows), ROWS_PER_SLICE):
        await asyncio.sleep(0)
        heads += [store.encoded_head(row, appended) for row in rows[start : start + ROWS_PER_SLICE]]
    return heads


async def _tails(
    rows: Sequence[ReadyRow], ids: Sequence[int], locked: dict[int, store.Locked], policy: ActionPolicy
) -> tuple[list[bytes], dict[int, Standing]]:
    standings = {user: lock.before for user, lock in locked.items()}
    tails: list[bytes] = []
    for place, row in enumerate(rows):
        if place % ROWS_PER_SLICE == 0:
            await asyncio.sleep(0)
        standing = after_action(
            standings[row.user_id],
            at_us=row.at_us,
            is_play=row.is_play,
            gap_us=policy.streak_gap_us,
            day_bounds=policy.calendar.day_bounds_us,
        )
        standings[row.user_id] = standing
        tails.append(store.encoded_tail(ids[place], standing))
    return tails, standings


def _tallied(rows: Sequence[ReadyRow]) -> dict[int, store.Tally]:
    tallies: dict[int, store.Tally] = {}
    for row in rows:
        at_us, is_play = row.at_us, row.is_play
        tally = tallies.get(row.user_id)
        if tally is None:
            play_us = at_us if is_play else 0
            tallies[row.user_id] = store.Tally(int(is_play), play_us, play_us, at_us)
            continue
        plays, first_us, last_us, action_us = tally
        if is_play:
            first_us = first_us or at_us
            plays, last_us = plays + 1, max(last_us, at_us)
        tallies[row.user_id] = store.Tally(plays, first_us, last_us, max(action_us, at_us))
    return tallies


def _key(row: ReadyRow) -> tuple[int, bytes]:
    assert row.key is not None
    return row.scope, row.key


def _repeats_within(rows: Sequence[ReadyRow]) -> dict[int, int]:
    """Rows whose key an earlier row of the same batch has, with the place of that row."""
    first: dict[tuple[int, bytes], int] = {}
    repeats: dict[int, int] = {}
    for place, row in enumerate(rows):
        if row.key is not None:
            earlier = first.setdefault((row.scope, row.key), place)
            if earlier != place:
                repeats[place] = earlier
    return repeats


def _settle_taken(
    rows: Sequence[ReadyRow],
    pending: Sequence[int],
    taken: dict[tuple[int, bytes], tuple[int, bytes]],
    outcomes: list[Outcome | None],
) -> list[int]:
    """Give the rows whose key is taken their outcome; the places of those that are still to be appended."""
    left: list[int] = []
    for place in pending:
        row = rows[place]
        found = taken.get(_key(row)) if row.key is not None else None
        if found is None:
            left.append(place)
            continue
        action_id, body_hash = found
        outcomes[place] = Outcome(Status.DUPLICATE if body_hash == row.body_hash else Status.CONFLICT, action_id)
    return left


def _repeated(row: ReadyRow, first: ReadyRow, outcome: Outcome | None) -> Outcome:
    assert outcome is not None
    if outcome.status is Status.CONFLICT:
        return outcome
    return Outcome(Status.DUPLICATE if row.body_hash == first.body_hash else Status.CONFLICT, outcome.id)


async def take(
    log: Log, singles: Singles, subject: Subject, sent: ActionIn | MalformedRow, *, now: datetime, policy: ActionPolicy
) -> Outcome:
    """Record one action together with whatever else arrives. What is refused is kept, and raised."""
    row = _admitted(sent, subject, now=now, policy=policy)
    if not isinstance(row, Refused):
        outcome = await singles.add(row)
        if outcome.status is not Status.CONFLICT:
            count_verdicts([outcome])
            return outcome
        row = _conflict(outcome)
    count_verdicts([row])
    await _keep_refused(log.database, subject, [(sent, row)], now=now)
    raise row


async def take_batch(
    log: Log, subject: Subject, sent: Sequence[ActionIn | MalformedRow], *, now: datetime, policy: ActionPolicy
) -> list[Outcome | Refused]:
    """Record many actions in one transaction, with a verdict for each. What is refused is kept."""
    verdicts: list[Outcome | Refused | None] = [None] * len(sent)
    rows: list[ReadyRow] = []
    places: list[int] = []
    for place, action in enumerate(sent):
        if place % ROWS_PER_SLICE == 0:
            await asyncio.sleep(0)
        row = _admitted(action, subject, now=now, policy=policy)
        if isinstance(row, Refused):
            verdicts[place] = row
        else:
            rows.append(row)
            places.append(place)

    for place, outcome in zip(places, await record(log, rows, now=now, policy=policy), strict=True):
        verdicts[place] = _conflict(outcome) if outcome.status is Status.CONFLICT else outcome
    settled = [verdict for verdict in verdicts if verdict is not None]
    count_verdicts(settled)
    refused = [(action, verdict) for action, verdict in zip(sent, settled, strict=True) if isinstance(verdict, Refused)]
    if refused:
        await _keep_refused(log.database, subject, refused, now=now)
    return settled


def _admitted(
    sent: ActionIn | MalformedRow, subject: Subject, *, now: datetime, policy: ActionPolicy
) -> ReadyRow | Refused:
    if isinstance(sent, MalformedRow):
        return InvalidAction(sent.message)
    return admitted(sent, subject, now_us=to_us(now), policy=policy)


def _conflict(outcome: Outcome) -> Refused:
    return KeyConflict(f"client_action_id was used before, for another action (id {outcome.id}).")


def count_verdicts(verdicts: Sequence[Outcome | Refused]) -> None:
    """Add verdicts to the metrics."""
    tally = Counter(
        ("refused", verdict.code) if isinstance(verdict, Refused) else (verdict.status.value, "")
        for verdict in verdicts
    )
    for labels, number in tally.items():
        metrics.ACTIONS.labels(*labels).inc(number)


async def _keep_refused(
    database: Database, subject: Subject, refused: Sequence[tuple[ActionIn | MalformedRow, Refused]], *, now: datetime
) -> None:
    scope, user_id = (USERS_SCOPE, subject.user_id) if isinstance(subject, UserSubject) else (subject.namespace, None)
    rows = [store.RefusedRow(scope, user_id, why.code, why.message, _kept_body(sent)) for sent, why in refused]
    await database.run(lambda db: store.keep_refused(db, rows, now=now))


def _kept_body(sent: ActionIn | MalformedRow) -> str:
    body = sent.body if isinstance(sent, MalformedRow) else msgspec.json.encode(sent)
    return body[:REFUSED_BODY_BYTES_MAX].decode("utf-8", errors="replace").replace("\0", "\ufffd")


async def replay_refused(
    log: Log, refused_id: int, correction: ActionIn | None, *, now: datetime, policy: ActionPolicy
) -> asyncpg.Record:
    """Record a refused action, corrected or as it was, in its sender's name and at the time it was received."""
    async with log.database.connection() as db:
        kept = await store.find_refused(db, refused_id)
    if kept is None:
        raise NoSuchRefused(f"There is no refused action {refused_id}.")
    if kept["status"] != "open":
        raise AlreadySettled(f"Refused action {refused_id} is settled already.")

    sent = correction or decoded_action(kept["body"].encode())
    row = _admitted(sent, _sender(kept), now=now, policy=policy)
    if isinstance(row, Refused):
        raise row
    if isinstance(sent, ActionIn) and sent.action_timestamp is None:
        row.at_us = to_us(kept["received_at"])
    if row.key is None:
        row.scope, row.key = PLATFORM_SCOPE, derived_uuid("refused", refused_id).bytes

    [outcome] = await record(log, [row], now=now, policy=policy)
    if outcome.status is Status.CONFLICT:
        raise _conflict(outcome)
    return await log.database.run(
        lambda db: settle_refused(db, refused_id, status="replayed", action_id=outcome.id, now=now)
    )


def _sender(kept: asyncpg.Record) -> Subject:
    if kept["sender_user_id"] is not None:
        return UserSubject(kept["sender_user_id"])
    return ServiceSubject(key_id=0, namespace=kept["scope"], scopes=frozenset({Scope.ACTIONS_WRITE}))


async def settle_refused(
    db: Db, refused_id: int, *, status: str, action_id: int | None, now: datetime
) -> asyncpg.Record:
    """Close a refused action: replayed as this action, or dismissed."""
    settled = await store.settle_refused(db, refused_id, status=status, action_id=action_id, now=now)
    if settled is None:
        if await store.find_refused(db, refused_id) is None:
            raise NoSuchRefused(f"There is no refused action {refused_id}.")
        raise AlreadySettled(f"Refused action {refused_id} is settled already.")
    return settled
