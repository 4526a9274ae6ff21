"""Actions, policies and subjects for tests."""

import random
import tomllib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from casino_club.features.actions.commands.settle import Door, Outcome, Status, prepared, settle
from casino_club.features.actions.rules.admission import ActionPolicy, Admission, ReadyRow
from casino_club.features.actions.rules.moment import MomentPolicy
from casino_club.features.actions.rules.plan import Checks, TrackingPlan
from casino_club.features.actions.rules.refusals import KeyConflict
from casino_club.features.actions.rules.sent import ActionIn
from casino_club.features.actions.store.refusals import RefusedRow
from casino_club.infra.db.database import Database
from casino_club.infra.log.partitions import Log
from casino_club.kernel.clock import MINUTE_US, Calendar, to_us
from casino_club.kernel.subject import Scope, ServiceSubject

SERVICE = ServiceSubject(key_id=1, namespace=100, scopes=frozenset(Scope))
NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
"""Noon in Seoul."""


@cache
def shipped_plan() -> TrackingPlan:
    text = (files("casino_club.features.actions") / "tracking_plan.toml").read_text()
    return msgspec.convert(tomllib.loads(text), TrackingPlan)


@cache
def _shipped_checks() -> Checks:
    return Checks(shipped_plan())


def a_policy(plan: TrackingPlan | None = None, *, gap_minutes: int = 30) -> ActionPolicy:
    return ActionPolicy(
        Checks(plan) if plan else _shipped_checks(),
        MomentPolicy(90, 300),
        gap_minutes * MINUTE_US,
        Calendar("Asia/Seoul"),
    )


def a_log(database: Database, *, partition_rows: int = 1_000_000) -> Log:
    return Log(database, partition_rows=partition_rows, partitions_ahead=2)


def spin_metadata(rng: random.Random | None = None) -> dict[str, Any]:
    round_id = uuid.UUID(int=(rng or random).getrandbits(128), version=4)
    return {"result": "lose", "currency": "COIN", "staked": 100, "won": 0, "round_id": str(round_id)}


def a_row(user_id: int, *, at: datetime = NOON, **changes: Any) -> ReadyRow:
    """A spin by default, admitted."""
    fields: dict[str, Any] = {
        "action_type": "SLOT_SPIN",
        "user_id": user_id,
        "value": None,
        "metadata": spin_metadata(),
        "action_timestamp": at,
        "client_action_id": uuid.uuid4(),
    }
    admission = Admission(SERVICE, now_us=to_us(max(at, NOON)), policy=a_policy())
    row = admission.judge(ActionIn(**{**fields, **changes}))
    assert isinstance(row, ReadyRow), row
    return row


def a_view(user_id: int, **changes: Any) -> ReadyRow:
    """An action that is no play."""
    return a_row(user_id, **{"action_type": "VIEW_CONTENT", "metadata": {}, **changes})


async def record(log: Log, rows: Sequence[ReadyRow], *, now: datetime, policy: ActionPolicy) -> list[Outcome]:
    """Settle admitted rows as one delivery."""
    door = Door(len(rows), turned_away=0, refused=_conflicts)
    return await settle(log, await prepared(rows, now=now), door, policy=policy)


def _conflicts(outcomes: Sequence[Outcome]) -> list[RefusedRow]:
    found = [outcome for outcome in outcomes if outcome.status is Status.CONFLICT]
    return [RefusedRow(100, None, KeyConflict.code, f"id {outcome.id}", "{}") for outcome in found]
