"""Actions over HTTP: sending one or many, a user's own history, and the review of what was refused."""

from collections.abc import Callable
from datetime import datetime

import asyncpg
import msgspec

from casino_club.features.actions.commands import intake, review
from casino_club.features.actions.commands.settle import Status
from casino_club.features.actions.rules.admission import ActionPolicy, acting_user
from casino_club.features.actions.rules.refusals import ACTION_REFUSALS, NotYourUser, UserIdMissing
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow, decoded_action
from casino_club.features.actions.schemas import (
    ActionOut,
    BatchAnswer,
    BatchIn,
    BatchTooLarge,
    CorrectionIn,
    HistoryPage,
    HistoryQuery,
    Recorded,
    RefusedOut,
    RefusedPage,
    RefusedQuery,
    Settled,
    Verdict,
    decoded_batch,
)
from casino_club.features.actions.store import refusals
from casino_club.features.actions.store.history import history
from casino_club.infra.http.requests import Call, decoding
from casino_club.infra.http.routes import JSON, Audience, Id, Raw, Routes
from casino_club.infra.log.partitions import Log
from casino_club.kernel.errors import Refused, Unavailable
from casino_club.kernel.subject import Role, Scope, Subject

NDJSON = "application/x-ndjson"
REPLAYED = ((b"idempotency-replayed", b"true"),)
Clock = Callable[[], datetime]

routes = Routes(tags=["actions"])


@routes.post(
    "/api/actions",
    audience=Audience.CALLER,
    scope=Scope.ACTIONS_WRITE,
    summary="Record one action",
    body=ActionIn,
    answers={201: Recorded},
    refusals=ACTION_REFUSALS,
)
async def record_action(
    subject: Subject, body: bytes, singles: intake.Singles, policy: ActionPolicy, clock: Clock
) -> Raw:
    sent = decoded_action(body)
    outcome = await intake.take(singles, subject, sent, now=clock(), policy=policy)
    client_id = None if isinstance(sent, MalformedRow) else sent.client_action_id
    headers = REPLAYED if outcome.status is Status.DUPLICATE else ()
    return Raw(msgspec.json.encode(Recorded(outcome.id, client_id)), JSON, 201, headers)


@routes.post(
    "/api/actions/batch",
    audience=Audience.CALLER,
    scope=Scope.ACTIONS_WRITE,
    summary="Record up to 10,000 actions, with a verdict for each",
    body=BatchIn,
    body_media_types=(JSON, NDJSON),
    answers={200: BatchAnswer},
    refusals=(BatchTooLarge,),
)
async def record_batch(
    subject: Subject, body: bytes, call: Call, log: Log, policy: ActionPolicy, clock: Clock
) -> BatchAnswer:
    with decoding():
        sent = decoded_batch(body, is_ndjson=call.headers[b"content-type"].strip().lower().startswith(NDJSON.encode()))
    answer = BatchAnswer(0, 0, 0, [])
    results: list[Verdict | None] = [None] * len(sent)
    away: Unavailable | None = None
    async for part in intake.take_batch(log, subject, sent, now=clock(), policy=policy):
        for place, verdict in part:
            results[place] = _shown(answer, place, sent[place], verdict)
            if isinstance(verdict, Unavailable):
                away = verdict
    if away is not None and not answer.accepted + answer.duplicate:
        raise away
    answer.results = [result for result in results if result is not None]
    return answer


def _shown(answer: BatchAnswer, index: int, sent: intake.Sent, verdict: intake.Verdict) -> Verdict:
    """A row's verdict as it is shown; counts it in the answer."""
    client_id = sent.client_action_id if isinstance(sent, ActionIn) else None
    if isinstance(verdict, Refused):
        answer.refused += 1
        return Verdict(index, "refused", None, client_id, verdict.code, verdict.message)
    if verdict.status is Status.ACCEPTED:
        answer.accepted += 1
        return Verdict(index, "accepted", verdict.id, client_id)
    answer.duplicate += 1
    return Verdict(index, "duplicate", verdict.id, client_id)


@routes.get(
    "/api/actions",
    audience=Audience.CALLER,
    scope=Scope.ACTIONS_READ,
    summary="A user's history, newest first",
    query=HistoryQuery,
    answers={200: HistoryPage},
    refusals=(NotYourUser, UserIdMissing),
)
async def read_history(subject: Subject, query: HistoryQuery, log: Log) -> HistoryPage:
    user_id = acting_user(query.user_id, subject)
    if isinstance(user_id, Refused):
        raise user_id
    async with log.database.connection() as db:
        rows = await history(db, user_id, before_id=query.cursor, action_type=query.action_type, limit=query.limit)
    actions = [_action_out(row) for row in rows]
    return HistoryPage(actions, actions[-1].id if len(actions) == query.limit else None)


def _action_out(row: asyncpg.Record) -> ActionOut:
    return ActionOut(row[0], row[1], row[2], msgspec.Raw(row[3]), row[4], row[5], row[6])


@routes.get(
    "/api/admin/refused-actions",
    audience=Audience.STAFF,
    roles=(Role.SUPPORT, Role.ADMIN),
    scope=Scope.ACTIONS_REVIEW,
    summary="Refused actions with their reasons, oldest first",
    query=RefusedQuery,
    answers={200: RefusedPage},
)
async def read_refused(query: RefusedQuery, log: Log) -> RefusedPage:
    async with log.database.connection() as db:
        rows = await refusals.refused(
            db, status=query.status, code=query.code, after_id=query.cursor, limit=query.limit
        )
    refused = [RefusedOut(*row) for row in rows]
    return RefusedPage(refused, refused[-1].id if len(refused) == query.limit else None)


@routes.post(
    "/api/admin/refused-actions/{refused_id}/replay",
    audience=Audience.STAFF,
    roles=(Role.SUPPORT, Role.ADMIN),
    scope=Scope.ACTIONS_REVIEW,
    summary="Record a refused action, corrected or as it was",
    body=CorrectionIn,
    answers={200: Settled},
    refusals=(review.NoSuchRefused, review.AlreadySettled, *ACTION_REFUSALS),
)
async def replay_refused(
    refused_id: Id, subject: Subject, body: CorrectionIn, log: Log, policy: ActionPolicy, clock: Clock
) -> Settled:
    now = clock()
    settled = await log.database.run(
        lambda db: review.replay_refused(db, refused_id, body.action, by=subject, now=now, policy=policy)
    )
    return Settled(*settled)


@routes.post(
    "/api/admin/refused-actions/{refused_id}/dismiss",
    audience=Audience.STAFF,
    roles=(Role.SUPPORT, Role.ADMIN),
    scope=Scope.ACTIONS_REVIEW,
    summary="Close a refused action without recording it",
    answers={200: Settled},
    refusals=(review.NoSuchRefused, review.AlreadySettled),
)
async def dismiss_refused(refused_id: Id, subject: Subject, log: Log, clock: Clock) -> Settled:
    now = clock()
    settled = await log.database.run(lambda db: review.dismiss_refused(db, refused_id, by=subject, now=now))
    return Settled(*settled)
