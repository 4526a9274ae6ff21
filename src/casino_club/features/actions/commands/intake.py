"""Taking in what senders send: one action or many, each with a verdict. What is refused is kept for review."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from casino_club.features.actions.commands.append import ROWS_PER_TURN
from casino_club.features.actions.commands.settle import Door, Outcome, Prepared, Status, prepared, settle
from casino_club.features.actions.rules.admission import (
    USERS_SCOPE,
    ActionPolicy,
    Admission,
    ReadyRow,
)
from casino_club.features.actions.rules.refusals import InvalidAction, KeyConflict, UserGone
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from casino_club.features.actions.store.refusals import RefusedRow
from casino_club.infra.db.group_commit import GroupCommit
from casino_club.infra.log.partitions import Log
from casino_club.infra.telemetry import metrics
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Refused, Unavailable
from casino_club.kernel.subject import Subject, UserSubject

PART_ROWS = 2_500
PARTS_AT_ONCE = 2
"""While one part commits, the next is under way: connections that one batch takes."""
REFUSED_BODY_BYTES_MAX = 16_384

Sent = ActionIn | MalformedRow
Verdict = Outcome | Refused
Judged = ReadyRow | Refused


@dataclass(frozen=True, slots=True)
class Single:
    """One action at the door: who sent what, and the row to append or why not."""

    subject: Subject
    sent: Sent
    row: Judged


Singles = GroupCommit[Single, Verdict]
"""Where single actions meet, to share a transaction."""


async def take(singles: Singles, subject: Subject, sent: Sent, *, now: datetime, policy: ActionPolicy) -> Outcome:
    """Record one action together with whatever else arrives. What is refused is kept, and raised."""
    row = judged(sent, Admission(subject, now_us=to_us(now), policy=policy))
    verdict = await singles.add(Single(subject, sent, row))
    if isinstance(verdict, Refused):
        raise verdict
    return verdict


async def take_together(log: Log, singles: Sequence[Single], *, now: datetime, policy: ActionPolicy) -> list[Verdict]:
    """Record single actions of whoever sent them, in one transaction."""
    subjects, sent = [single.subject for single in singles], [single.sent for single in singles]
    rows = [single.row for single in singles]
    return await _settle(log, Delivery(subjects, sent, rows, await _prepared(rows, now=now)), policy=policy)


async def take_batch(
    log: Log, subject: Subject, sent: Sequence[Sent], *, now: datetime, policy: ActionPolicy
) -> AsyncIterator[list[tuple[int, Verdict]]]:
    """Record many actions; each one's place and verdict, as they become known. What is refused is kept.

    A batch is appended in parts, each in a transaction of its own, while the next part is checked. A user's actions
    are all in one part, so they reach the log in the order sent.
    """
    recording: deque[asyncio.Task[list[tuple[int, Verdict]]]] = deque()
    for places in parts_of(sent):
        part = await _judged_part(places, sent, subject, now=now, policy=policy)
        finished = await recording.popleft() if len(recording) == PARTS_AT_ONCE else []
        recording.append(asyncio.create_task(_settle_part(log, places, part, policy=policy)))
        await asyncio.sleep(0)
        yield finished
    while recording:
        yield await recording.popleft()


def parts_of(sent: Sequence[Sent]) -> list[list[int]]:
    """The places of a batch's rows in parts of bounded size on average, each user's in one of them."""
    count = -(-len(sent) // PART_ROWS)
    if count == 1:
        return [list(range(len(sent)))]
    parts: list[list[int]] = [[] for _ in range(count)]
    for place, action in enumerate(sent):
        parts[(action.user_id or 0) % count if isinstance(action, ActionIn) else 0].append(place)
    return [part for part in parts if part]


def judged(sent: Sent, admission: Admission) -> Judged:
    """The row to append, or why not."""
    return admission.judge(sent) if isinstance(sent, ActionIn) else InvalidAction(sent.message)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Actions that are settled in one transaction, by their places; those that are not refused are prepared."""

    subjects: Sequence[Subject]
    sent: Sequence[Sent]
    rows: Sequence[Judged]
    ready: Prepared

    def verdicts(self, outcomes: Sequence[Outcome]) -> list[Verdict]:
        """Every action's verdict, once the outcomes of prepared rows are known."""
        settled = iter(outcomes)
        return [row if isinstance(row, Refused) else _verdict(next(settled)) for row in self.rows]

    def refused(self, outcomes: Sequence[Outcome]) -> list[RefusedRow]:
        """What is to be kept."""
        verdicts = zip(self.subjects, self.sent, self.verdicts(outcomes), strict=True)
        return [_kept(subject, sent, why) for subject, sent, why in verdicts if isinstance(why, Refused)]


async def _judged_part(
    places: Sequence[int], batch: Sequence[Sent], subject: Subject, *, now: datetime, policy: ActionPolicy
) -> Delivery:
    admission = Admission(subject, now_us=to_us(now), policy=policy)
    sent = [batch[place] for place in places]
    rows: list[Judged] = []
    for start in range(0, len(sent), ROWS_PER_TURN):
        rows += [judged(row, admission) for row in sent[start : start + ROWS_PER_TURN]]
        await asyncio.sleep(0)
    return Delivery([subject] * len(sent), sent, rows, await _prepared(rows, now=now))


async def _prepared(rows: Sequence[Judged], *, now: datetime) -> Prepared:
    return await prepared([row for row in rows if not isinstance(row, Refused)], now=now)


async def _settle_part(
    log: Log, places: Sequence[int], delivery: Delivery, *, policy: ActionPolicy
) -> list[tuple[int, Verdict]]:
    """The verdicts of one part. A database that goes away is one too: other parts may be in the log."""
    try:
        verdicts = await _settle(log, delivery, policy=policy)
    except Unavailable as away:
        verdicts = [away] * len(places)
    return list(zip(places, verdicts, strict=True))


async def _settle(log: Log, delivery: Delivery, *, policy: ActionPolicy) -> list[Verdict]:
    received = len(delivery.sent)
    door = Door(received, received - len(delivery.ready.rows), delivery.refused)
    metrics.ACTIONS_IN_FLIGHT.inc(received)
    try:
        verdicts = delivery.verdicts(await settle(log, delivery.ready, door, policy=policy))
    finally:
        metrics.ACTIONS_IN_FLIGHT.dec(received)
    count_verdicts(verdicts)
    return verdicts


def _verdict(outcome: Outcome) -> Verdict:
    return refusal_of(outcome) or outcome


def refusal_of(outcome: Outcome) -> Refused | None:
    """Why the row was not recorded, if it was not: the sender's id is another action's, or the user is gone."""
    if outcome.status is Status.GONE:
        return UserGone()
    if outcome.status is not Status.CONFLICT:
        return None
    return KeyConflict(f"client_action_id was used before, for another action (id {outcome.id}).")


def count_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Add verdicts to the metrics."""
    tally: dict[tuple[str, str], int] = {}
    for verdict in verdicts:
        labels = ("refused", verdict.code) if isinstance(verdict, Refused) else (verdict.status.value, "")
        tally[labels] = tally.get(labels, 0) + 1
    for labels, number in tally.items():
        metrics.ACTIONS.labels(*labels).inc(number)


def _kept(subject: Subject, sent: Sent, why: Refused) -> RefusedRow:
    scope, user_id = (USERS_SCOPE, subject.user_id) if isinstance(subject, UserSubject) else (subject.namespace, None)
    if isinstance(why, UserGone):  # It counts, but what is said of the erased must not come back to be kept.
        return RefusedRow(scope, None, why.code, why.message, "")
    return RefusedRow(scope, user_id, why.code, why.message, _kept_body(sent))


def _encoded(sent: ActionIn) -> bytes:
    try:
        return msgspec.json.encode(sent)
    except RecursionError:  # What could just be read may be nested too deeply to be written again.
        return msgspec.json.encode(msgspec.structs.replace(sent, metadata={}))


def _kept_body(sent: Sent) -> str:
    body = sent.body if isinstance(sent, MalformedRow) else _encoded(sent)
    return body[:REFUSED_BODY_BYTES_MAX].decode("utf-8", errors="replace").replace("\0", "\ufffd")
