"""The review of refused actions: recorded after all, corrected or as they were, or dismissed."""

from datetime import datetime

import asyncpg

from casino_club.features.actions.commands.events import append_row
from casino_club.features.actions.commands.intake import judged, refusal_of
from casino_club.features.actions.rules.admission import PLATFORM_SCOPE, ActionPolicy, Admission
from casino_club.features.actions.rules.sent import ActionIn, decoded_action
from casino_club.features.actions.store import refusals
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import Actor, Scope, ServiceSubject, Subject, UserSubject


class AlreadySettled(Refused):
    """A refused action can be replayed or dismissed once."""

    code = "refused_action_settled"
    kind = Kind.CONFLICT


class NoSuchRefused(Refused):
    """There is no refused action with this id."""

    code = "refused_action_missing"
    kind = Kind.MISSING


async def replay_refused(
    db: Db, refused_id: int, correction: ActionIn | None, *, by: Actor, now: datetime, policy: ActionPolicy
) -> asyncpg.Record:
    """Record a refused action, corrected or as it was, in its sender's name and at the time it was received."""
    kept = await refusals.find_refused(db, refused_id)
    if kept is None:
        raise NoSuchRefused(f"There is no refused action {refused_id}.")
    if kept["status"] != "open":
        raise AlreadySettled(f"Refused action {refused_id} is settled already.")

    sent = correction or decoded_action(kept["body"].encode())
    row = judged(sent, Admission(_subject(kept), now_us=to_us(now), policy=policy))
    if isinstance(row, Refused):
        raise row
    if isinstance(sent, ActionIn) and sent.action_timestamp is None:
        row.at_us = to_us(kept["received_at"])
    if row.key is None:
        row.scope, row.key = PLATFORM_SCOPE, derived_uuid("refused", refused_id).bytes

    outcome = await append_row(db, row, now=now, policy=policy)
    if refused := refusal_of(outcome):
        raise refused
    settled = await _settle(db, refused_id, status="replayed", action_id=outcome.id, now=now)

    how = {"action_id": outcome.id, "is_corrected": correction is not None}
    await deeds.note(db, by, "replay_refused", f"refused_action:{refused_id}", how, now=now)
    return settled


async def dismiss_refused(db: Db, refused_id: int, *, by: Actor, now: datetime) -> asyncpg.Record:
    """Close a refused action without recording it."""
    settled = await _settle(db, refused_id, status="dismissed", action_id=None, now=now)

    await deeds.note(db, by, "dismiss_refused", f"refused_action:{refused_id}", now=now)
    return settled


def _subject(kept: asyncpg.Record) -> Subject:
    if kept["sender_user_id"] is not None:
        return UserSubject(kept["sender_user_id"])
    return ServiceSubject(key_id=0, namespace=kept["scope"], scopes=frozenset({Scope.ACTIONS_WRITE}))


async def _settle(db: Db, refused_id: int, *, status: str, action_id: int | None, now: datetime) -> asyncpg.Record:
    settled = await refusals.settle_refused(db, refused_id, status=status, action_id=action_id, now=now)
    if settled is None:
        if await refusals.find_refused(db, refused_id) is None:
            raise NoSuchRefused(f"There is no refused action {refused_id}.")
        raise AlreadySettled(f"Refused action {refused_id} is settled already.")
    return settled
