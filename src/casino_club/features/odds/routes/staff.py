"""What staff do about odds: propose tables, approve and withdraw them, let products rest and go on."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict

from casino_club.features.odds.commands import trials
from casino_club.features.odds.commands import versions as commands
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.disclosure import disclose
from casino_club.features.odds.rules.tables import draft_table, read_table
from casino_club.features.odds.schemas import (
    ComparedOut,
    DraftIn,
    DraftOut,
    Product,
    ReasonIn,
    TrialIn,
    TrialOut,
    VersionOut,
    VersionsPage,
    VersionsQuery,
    compared_out,
    trial_out,
    version_out,
)
from casino_club.features.odds.store import versions
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.canonical import NotCanonical
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["odds of staff"])


class Callers(TypedDict):
    """Who may call. Programs may not: an approval is a person's."""

    audience: Audience
    roles: Sequence[Role]


READERS: Callers = {"audience": Audience.STAFF, "roles": (Role.VIEWER, Role.ANALYST, Role.SUPPORT, Role.ADMIN)}
WRITERS: Callers = {"audience": Audience.STAFF, "roles": (Role.ANALYST, Role.ADMIN)}
HOLDERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ANALYST, Role.ADMIN)}


@routes.post(
    "/api/admin/odds/versions",
    **WRITERS,
    summary="Propose a table; the answer is what would be published of it",
    body=DraftIn,
    answers={201: DraftOut},
    refusals=(NotCanonical, refusals.InvalidTable),
)
async def draft_odds(subject: UserSubject, body: DraftIn, database: Database, clock: Clock) -> DraftOut:
    now, live_at = clock(), body.live_at
    table = draft_table(bytes(body.table))
    odds = await asyncio.to_thread(disclose, table)  # a large slot takes a second
    made = await database.run(lambda db: commands.draft(db, table, live_at=live_at, by=subject, now=now))
    return DraftOut(version_out(made), odds)


@routes.get(
    "/api/admin/odds/versions",
    **READERS,
    summary="Versions of all products, the newest first",
    query=VersionsQuery,
    answers={200: VersionsPage},
)
async def read_odds_versions(query: VersionsQuery, database: Database) -> VersionsPage:
    async with database.connection() as db:
        found = await versions.versions(db, product=query.product, before_id=query.cursor, limit=query.limit)
    return VersionsPage([version_out(each) for each in found], found[-1].id if len(found) == query.limit else None)


@routes.get(
    "/api/admin/odds/versions/{version_id}",
    **READERS,
    summary="A version, with all that is or would be published of it",
    answers={200: DraftOut},
    refusals=(refusals.VersionMissing,),
)
async def read_odds_version(version_id: Id, database: Database) -> DraftOut:
    async with database.connection() as db:
        found = await versions.version_of(db, version_id)
        text = await versions.text_of(db, found.digest)
    return DraftOut(version_out(found), disclose(read_table(text)))


@routes.post(
    "/api/admin/odds/versions/{version_id}/approve",
    **WRITERS,
    summary="Approve a version; with the second person's approval it is live from its time on",
    answers={200: VersionOut},
    refusals=(refusals.VersionMissing, refusals.VersionSettled, refusals.ApprovedAlready),
)
async def approve_odds(version_id: Id, subject: UserSubject, database: Database, clock: Clock) -> VersionOut:
    now = clock()
    return version_out(await database.run(lambda db: commands.approve(db, version_id, by=subject, now=now)))


@routes.post(
    "/api/admin/odds/versions/{version_id}/withdraw",
    **WRITERS,
    summary="Give a draft up",
    answers={200: VersionOut},
    refusals=(refusals.VersionMissing, refusals.VersionSettled),
)
async def withdraw_odds(version_id: Id, subject: UserSubject, database: Database, clock: Clock) -> VersionOut:
    now = clock()
    return version_out(await database.run(lambda db: commands.withdraw(db, version_id, by=subject, now=now)))


@routes.post(
    "/api/admin/odds/products/{product}/pause",
    **HOLDERS,
    summary="Let a product rest: its draws are refused until it is resumed",
    body=ReasonIn,
    answers={204: None},
    refusals=(refusals.ProductMissing,),
)
async def pause_odds(
    product: Product, subject: UserSubject, body: ReasonIn, database: Database, clock: Clock
) -> tuple[int, None]:
    now = clock()
    await database.run(lambda db: commands.pause(db, product, because=body.because, by=subject, now=now))
    return 204, None


@routes.post(
    "/api/admin/odds/products/{product}/resume",
    **WRITERS,
    summary="Let a product go on; its draws are watched anew",
    body=ReasonIn,
    answers={204: None},
    refusals=(refusals.ProductMissing,),
)
async def resume_odds(
    product: Product, subject: UserSubject, body: ReasonIn, database: Database, clock: Clock
) -> tuple[int, None]:
    now = clock()
    await database.run(lambda db: commands.resume(db, product, because=body.because, by=subject, now=now))
    return 204, None


@routes.post(
    "/api/admin/odds/trials",
    **WRITERS,
    summary="Let a share of the users draw from an approved table",
    body=TrialIn,
    answers={201: TrialOut},
    refusals=(refusals.VersionMissing, refusals.VersionNotApproved, refusals.TrialRuns, refusals.ProductMissing),
)
async def begin_odds_trial(subject: UserSubject, body: TrialIn, database: Database, clock: Clock) -> TrialOut:
    now, share = clock(), body.share_permille
    begun = await database.run(lambda db: trials.begin(db, body.version_id, share_permille=share, by=subject, now=now))
    return trial_out(begun)


@routes.get(
    "/api/admin/odds/trials/{trial_id}",
    **READERS,
    summary="How the users of a trial differ, counted one by one",
    answers={200: ComparedOut},
    refusals=(refusals.TrialMissing,),
)
async def read_trial(trial_id: Id, database: Database, clock: Clock) -> ComparedOut:
    async with database.connection() as db:
        return compared_out(*await trials.compare(db, trial_id, now=clock()))


@routes.post(
    "/api/admin/odds/trials/{trial_id}/end",
    **WRITERS,
    summary="End a trial: everybody draws from the live table again",
    answers={200: TrialOut},
    refusals=(refusals.TrialMissing,),
)
async def end_odds_trial(trial_id: Id, subject: UserSubject, database: Database, clock: Clock) -> TrialOut:
    now = clock()
    return trial_out(await database.run(lambda db: trials.end(db, trial_id, by=subject, now=now)))
