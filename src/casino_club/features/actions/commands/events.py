"""Appending what the platform itself did: in the effect's transaction, so that neither is there without the other."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

import asyncpg

from casino_club.features.actions.commands.append import Draft, UsersWithoutRow, drafted, write
from casino_club.features.actions.commands.settle import Outcome, Status, outcome_of_repeat
from casino_club.features.actions.rules.admission import (
    PLATFORM_SCOPE,
    ActionPolicy,
    ReadyRow,
    hash_of,
    stored_metadata,
)
from casino_club.features.actions.rules.plan import fault_in
from casino_club.features.actions.rules.refusals import UserGone
from casino_club.features.actions.rules.sent import ActionIn
from casino_club.features.actions.rules.standing import Standing, after_action
from casino_club.features.actions.store import own, writing
from casino_club.features.actions.store.counting import IntakeCounts
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Refused, Unavailable


class Event(Protocol):
    """A past fact: a frozen dataclass whose fields, but for `user_id` and `value`, become the action's metadata."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    action_type: ClassVar[str]

    @property
    def user_id(self) -> int: ...


async def append(
    db: Db,
    event: Event,
    *,
    at: datetime,
    policy: ActionPolicy,
    cause: UUID | None = None,
    known: Standing | None = None,
) -> int:
    """Append an action in the caller's transaction; its id.

    With a `cause`, an id derived from what led to it, it is appended once: the second time gives the first id.
    What `lock_users` gave may be handed on as `known`, to spare a look. Raises `UserGone` of somebody who has been
    erased.
    """
    row = _row_of(event, at=at, policy=policy, cause=cause)
    return (await append_row(db, row, now=at, policy=policy, known=known)).id


async def append_row(
    db: Db, row: ReadyRow, *, now: datetime, policy: ActionPolicy, known: Standing | None = None
) -> Outcome:
    """The same for one row that is ready, and what became of it."""
    if row.key is not None and (taken := await writing.find_keys(db, [row])):
        first = taken[row.scope, row.key]
        return outcome_of_repeat(row.body_hash, first.body_hash, first.id)
    [action_id] = await _written(db, [row], now, policy, known)
    return Outcome(Status.ACCEPTED, action_id)


async def append_all(db: Db, events: Sequence[Event], *, at: datetime, policy: ActionPolicy) -> list[int]:
    """Append what happened together, in this order; the ids."""
    if not events:
        return []
    return await _written(db, [_row_of(event, at=at, policy=policy, cause=None) for event in events], at, policy)


async def lock_users(db: Db, users: Collection[int]) -> dict[int, Standing]:
    """Lock these users of the log until the transaction ends. Who will append locks them before anything else."""
    wanted = sorted(users)
    found = await own.locked(db, wanted)
    if len(found) < len(wanted):
        await writing.add_users(db, wanted)
        found = await own.locked(db, wanted)
    return found


async def _written(
    db: Db, rows: Sequence[ReadyRow], at: datetime, policy: ActionPolicy, known: Standing | None = None
) -> list[int]:
    try:
        if len({row.user_id for row in rows}) == 1:
            return await _write_of_one(db, rows, at, policy, known)
        return await _write_with_users(db, await drafted(rows, now=at), policy)
    except asyncpg.UniqueViolationError as claimed:
        raise Crossed("another transaction appended under the same key") from claimed
    except asyncpg.CheckViolationError as full:
        raise Unavailable("The log is making room; send the same request again.") from full


async def _write_of_one(
    db: Db, rows: Sequence[ReadyRow], at: datetime, policy: ActionPolicy, known: Standing | None
) -> list[int]:
    counts, user_id = IntakeCounts(to_us(at), own=len(rows)), rows[0].user_id
    if known is not None:
        ids = await own.append_rows(db, rows, known, _standings(rows, known, policy), counts)
        if ids is not None:
            return ids
    before = (await lock_users(db, [user_id]))[user_id]
    ids = await own.append_rows(db, rows, before, _standings(rows, before, policy), counts)
    if ids is None:
        raise UserGone
    return ids


def _standings(rows: Sequence[ReadyRow], before: Standing, policy: ActionPolicy) -> list[Standing]:
    """How the user of these rows stands after each."""
    found: list[Standing] = []
    for row in rows:
        before = after_action(
            before,
            at_us=row.at_us,
            is_play=row.is_play,
            gap_us=policy.streak_gap_us,
            day_bounds=policy.calendar.day_bounds_us,
        )
        found.append(before)
    return found


async def _write_with_users(db: Db, draft: Draft, policy: ActionPolicy) -> list[int]:
    counts = IntakeCounts(draft.now_us, own=len(draft.rows))
    try:
        return await write(db, draft, policy, counts)
    except UsersWithoutRow as missing:
        if await writing.add_users(db, missing.users):
            raise UserGone from None
        return await write(db, draft, policy, counts)


def _row_of(event: Event, *, at: datetime, policy: ActionPolicy, cause: UUID | None) -> ReadyRow:
    held_by_name = ((each.name, getattr(event, each.name)) for each in fields(event))
    metadata = {name: held for name, held in held_by_name if held is not None}
    user_id, value = metadata.pop("user_id"), metadata.pop("value", None)
    check = policy.checks.find(event.action_type)
    assert check is not None, f"{event.action_type} is not in the tracking plan"
    fault = fault_in(check, value, metadata)
    assert fault is None, f"{event.action_type}: {fault}"
    encoded = stored_metadata(metadata)
    assert not isinstance(encoded, Refused), f"{event.action_type}: {encoded}"
    key = None if cause is None else cause.bytes
    sent = ActionIn(event.action_type, user_id, value, metadata)
    round_id = metadata.get("round_id") if check.holds_round else None
    return ReadyRow(
        user_id=user_id,
        scope=PLATFORM_SCOPE,
        key=key,
        client_action_id=key,
        body_hash=hash_of(user_id, sent, None, encoded),
        action_type=event.action_type,
        value=value,
        metadata=encoded,
        at_us=to_us(at),
        round_id=None if round_id is None else UUID(round_id).bytes,
        is_play=check.rule.is_play,
        by_user=check.by_user,
    )
