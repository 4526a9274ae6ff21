"""Appending what the platform itself did: in the effect's transaction, so that neither is there without the other."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
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
from casino_club.features.actions.store import writing
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


async def append(db: Db, event: Event, *, at: datetime, policy: ActionPolicy, cause: UUID | None = None) -> int:
    """Append an action in the caller's transaction; its id.

    With a `cause`, an id derived from what led to it, it is appended once: the second time gives the first id.
    Raises `UserGone` of somebody who has been erased.
    """
    return (await append_row(db, _row_of(event, at=at, policy=policy, cause=cause), now=at, policy=policy)).id


async def append_row(db: Db, row: ReadyRow, *, now: datetime, policy: ActionPolicy) -> Outcome:
    """The same for one row that is ready, and what became of it."""
    if row.key is not None and (taken := await writing.find_keys(db, [row])):
        first = taken[row.scope, row.key]
        return outcome_of_repeat(row.body_hash, first.body_hash, first.id)
    [action_id] = await _written(db, [row], now, policy)
    return Outcome(Status.ACCEPTED, action_id)


async def append_all(db: Db, events: Sequence[Event], *, at: datetime, policy: ActionPolicy) -> list[int]:
    """Append what happened together, in this order; the ids."""
    if not events:
        return []
    return await _written(db, [_row_of(event, at=at, policy=policy, cause=None) for event in events], at, policy)


async def lock_users(db: Db, users: Collection[int]) -> None:
    """Lock these users of the log until the transaction ends. Who will append locks them before anything else."""
    wanted = sorted(users)
    if await writing.lock_standings(db, wanted) < len(wanted):
        await writing.add_users(db, wanted)
        await writing.lock_standings(db, wanted)


async def _written(db: Db, rows: Sequence[ReadyRow], at: datetime, policy: ActionPolicy) -> list[int]:
    draft = await drafted(rows, now=at)
    try:
        return await _write_with_users(db, draft, policy)
    except asyncpg.UniqueViolationError as claimed:
        raise Crossed("another transaction appended under the same key") from claimed
    except asyncpg.CheckViolationError as full:
        raise Unavailable("The log is making room; send the same request again.") from full


async def _write_with_users(db: Db, draft: Draft, policy: ActionPolicy) -> list[int]:
    counts = IntakeCounts(draft.now_us, own=len(draft.rows))
    try:
        return await write(db, draft, policy, counts)
    except UsersWithoutRow as missing:
        if await writing.add_users(db, missing.users):
            raise UserGone from None
        return await write(db, draft, policy, counts)


def _row_of(event: Event, *, at: datetime, policy: ActionPolicy, cause: UUID | None) -> ReadyRow:
    metadata = {name: held for name, held in asdict(event).items() if held is not None}
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
