"""What staff see of anybody's protection, and how they protect somebody who does not do it themselves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypedDict

from casino_club.features.actions.public import UserGone
from casino_club.features.protection.commands import resting
from casino_club.features.protection.commands.admitting import ProtectionPolicy
from casino_club.features.protection.routes.users import history_page, shown
from casino_club.features.protection.rules import refusals
from casino_club.features.protection.rules.standing import Status
from casino_club.features.protection.schemas import (
    ChangesPage,
    HistoryQuery,
    ImposedIn,
    ProtectionOut,
    ReleaseIn,
    StandingOut,
    StatusCounts,
    counts_out,
    standing_out,
)
from casino_club.features.protection.store import protections
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["protection of staff"])


class Callers(TypedDict):
    """Who may call. Marketing may not: of a user's protection it learns one bit, elsewhere."""

    audience: Audience
    roles: Sequence[Role]


CARERS: Callers = {"audience": Audience.STAFF, "roles": (Role.SUPPORT, Role.ADMIN)}


@routes.get(
    "/api/admin/protection",
    **CARERS,
    summary="How many users are informed, limited, paused, protected, excluded or closed",
    answers={200: StatusCounts},
)
async def read_protection_counts(database: Database) -> StatusCounts:
    async with database.connection() as db:
        return counts_out(await protections.counts_by_status(db))


@routes.get(
    "/api/admin/protection/{user_id}",
    **CARERS,
    summary="How a user is protected",
    answers={200: ProtectionOut},
)
async def read_users_protection(
    user_id: Id, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> ProtectionOut:
    return await shown(database, user_id, now=clock(), policy=protection_policy)


@routes.get(
    "/api/admin/protection/{user_id}/history",
    **CARERS,
    summary="Every change of a user's protection, newest first",
    query=HistoryQuery,
    answers={200: ChangesPage},
)
async def read_users_protection_history(user_id: Id, query: HistoryQuery, database: Database) -> ChangesPage:
    return await history_page(database, user_id, query)


@routes.post(
    "/api/admin/protection/{user_id}/impose",
    **CARERS,
    summary="Put a user under a stricter status; they alone can ask for a return from it",
    body=ImposedIn,
    answers={200: StandingOut},
    refusals=(refusals.AlreadyStricter, refusals.PauseTooLong, UserGone),
)
async def impose_protection(
    user_id: Id,
    subject: UserSubject,
    body: ImposedIn,
    database: Database,
    protection_policy: ProtectionPolicy,
    clock: Clock,
) -> StandingOut:
    now, status = clock(), Status[body.status.upper()]
    imposed = await database.run(
        lambda db: resting.impose(
            db,
            user_id,
            status,
            days=body.days,
            because=body.because,
            by=subject,
            now=now,
            policy=protection_policy,
        )
    )
    return standing_out(imposed)


@routes.post(
    "/api/admin/protection/{user_id}/release",
    audience=Audience.STAFF,
    roles=(Role.ADMIN,),
    summary="Take back the time that staff set; the user still has to ask for a return and to confirm it",
    body=ReleaseIn,
    answers={200: StandingOut},
    refusals=(refusals.NothingToRelease, refusals.ChosenByUser, UserGone),
)
async def release_protection(
    user_id: Id,
    subject: UserSubject,
    body: ReleaseIn,
    database: Database,
    protection_policy: ProtectionPolicy,
    clock: Clock,
) -> StandingOut:
    now, because = clock(), body.because
    released = await database.run(
        lambda db: resting.release(db, user_id, because=because, by=subject, now=now, policy=protection_policy)
    )
    return standing_out(released)
