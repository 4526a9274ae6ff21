"""What users see of their protection, and how they protect themselves."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.actions.public import UserGone
from casino_club.features.protection.commands import consenting, limiting, resting
from casino_club.features.protection.commands.admitting import ProtectionPolicy
from casino_club.features.protection.commands.reads import whole_of
from casino_club.features.protection.rules import refusals
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.periods import spans_at
from casino_club.features.protection.schemas import (
    ChangesPage,
    ClosingIn,
    ConsentIn,
    ConsentOut,
    ConsentsPage,
    ExclusionIn,
    HistoryQuery,
    LimitIn,
    LimitOut,
    PauseIn,
    ProtectionOut,
    RealityCheckIn,
    StandingOut,
    change_out,
    consent_out,
    limit_out,
    protection_out,
    standing_out,
)
from casino_club.features.protection.store import consents, protections
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.clock import to_us
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["protection"])


@routes.get(
    "/api/protection",
    audience=Audience.USER,
    summary="How you are protected: status, limits with what is left of them, reality check, consents",
    answers={200: ProtectionOut},
)
async def read_protection(
    subject: UserSubject, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> ProtectionOut:
    return await shown(database, subject.user_id, now=clock(), policy=protection_policy)


async def shown(database: Database, user_id: int, *, now: datetime, policy: ProtectionPolicy) -> ProtectionOut:
    """Anybody's protection as it is now."""
    async with database.connection() as db:
        whole = await whole_of(db, user_id)
    at_us = to_us(now)
    spans = spans_at(policy.actions.calendar, at_us)
    return protection_out(user_id, whole.held, whole.waiting, whole.said, at_us=at_us, spans=spans)


@routes.get(
    "/api/protection/history",
    audience=Audience.USER,
    summary="Every change of your protection, newest first",
    query=HistoryQuery,
    answers={200: ChangesPage},
)
async def read_protection_history(subject: UserSubject, query: HistoryQuery, database: Database) -> ChangesPage:
    return await history_page(database, subject.user_id, query)


async def history_page(database: Database, user_id: int, query: HistoryQuery) -> ChangesPage:
    """A page of anybody's history."""
    async with database.connection() as db:
        found = await protections.changes_of(db, user_id, before_id=query.cursor, limit=query.limit)
    return ChangesPage([change_out(row) for row in found], found[-1]["id"] if len(found) == query.limit else None)


@routes.put(
    "/api/protection/limits",
    audience=Audience.USER,
    summary="Set a limit: a lower one holds at once, a higher one after 24 hours once you confirm it",
    body=LimitIn,
    answers={200: LimitOut},
    refusals=(refusals.LimitTooLarge, UserGone),
)
async def set_limit(
    subject: UserSubject, body: LimitIn, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> LimitOut:
    now, limit = clock(), Limit(body.measure, body.period)
    held = await database.run(
        lambda db: limiting.set_limit(db, subject.user_id, limit, body.amount, now=now, policy=protection_policy)
    )
    return limit_out(held)


@routes.delete(
    "/api/protection/limits/{measure}/{period}",
    audience=Audience.USER,
    summary="Take a limit away, after 24 hours once you confirm it",
    answers={200: LimitOut},
    refusals=(refusals.LimitMissing, UserGone),
)
async def remove_limit(
    measure: Measure,
    period: Period,
    subject: UserSubject,
    database: Database,
    protection_policy: ProtectionPolicy,
    clock: Clock,
) -> LimitOut:
    now, limit = clock(), Limit(measure, period)
    held = await database.run(
        lambda db: limiting.set_limit(db, subject.user_id, limit, None, now=now, policy=protection_policy)
    )
    return limit_out(held)


@routes.post(
    "/api/protection/limits/{measure}/{period}/raise/confirm",
    audience=Audience.USER,
    summary="Confirm a higher limit whose 24 hours are over",
    answers={200: LimitOut},
    refusals=(refusals.RaiseMissing, refusals.RaiseTooSoon, UserGone),
)
async def confirm_raise(
    measure: Measure,
    period: Period,
    subject: UserSubject,
    database: Database,
    protection_policy: ProtectionPolicy,
    clock: Clock,
) -> LimitOut:
    now, limit = clock(), Limit(measure, period)
    held = await database.run(
        lambda db: limiting.confirm_raise(db, subject.user_id, limit, now=now, policy=protection_policy)
    )
    return limit_out(held)


@routes.delete(
    "/api/protection/limits/{measure}/{period}/raise",
    audience=Audience.USER,
    summary="Give up a higher limit that waits",
    answers={204: None},
    refusals=(refusals.RaiseMissing, UserGone),
)
async def drop_raise(
    measure: Measure, period: Period, subject: UserSubject, database: Database, clock: Clock
) -> tuple[int, None]:
    now, limit = clock(), Limit(measure, period)
    await database.run(lambda db: limiting.drop_raise(db, subject.user_id, limit, now=now))
    return 204, None


@routes.post(
    "/api/protection/pause",
    audience=Audience.USER,
    summary="Pause your play for a day to six weeks",
    body=PauseIn,
    answers={200: StandingOut},
    refusals=(refusals.AlreadyStricter, UserGone),
)
async def pause_play(
    subject: UserSubject, body: PauseIn, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> StandingOut:
    now, hours = clock(), body.hours
    return standing_out(
        await database.run(
            lambda db: resting.pause(db, subject.user_id, hours=hours, now=now, policy=protection_policy)
        )
    )


@routes.post(
    "/api/protection/exclude",
    audience=Audience.USER,
    summary="Exclude yourself from play for six months or more; nobody can shorten it",
    body=ExclusionIn,
    answers={200: StandingOut},
    refusals=(refusals.AlreadyStricter, UserGone),
)
async def exclude_oneself(
    subject: UserSubject, body: ExclusionIn, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> StandingOut:
    now, months = clock(), body.months
    return standing_out(
        await database.run(
            lambda db: resting.exclude(db, subject.user_id, months=months, now=now, policy=protection_policy)
        )
    )


@routes.post(
    "/api/protection/close",
    audience=Audience.USER,
    summary="Close your account to play for good; your sessions end",
    body=ClosingIn,
    answers={200: StandingOut},
    refusals=(refusals.AlreadyStricter, UserGone),
)
async def close_account(
    subject: UserSubject,
    body: ClosingIn,  # noqa: ARG001 - that it could be read is the confirmation
    database: Database,
    protection_policy: ProtectionPolicy,
    clock: Clock,
) -> StandingOut:
    now = clock()
    return standing_out(
        await database.run(lambda db: resting.close(db, subject.user_id, now=now, policy=protection_policy))
    )


@routes.post(
    "/api/protection/return",
    audience=Audience.USER,
    summary="Ask for a return to play; confirm it after 24 hours",
    answers={200: StandingOut},
    refusals=(refusals.NothingToLoosen, refusals.ClosedForGood, refusals.StillHolds, UserGone),
)
async def ask_return(
    subject: UserSubject, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> StandingOut:
    now = clock()
    return standing_out(
        await database.run(lambda db: resting.ask_return(db, subject.user_id, now=now, policy=protection_policy))
    )


@routes.delete(
    "/api/protection/return",
    audience=Audience.USER,
    summary="Take the wish to return back",
    answers={200: StandingOut},
    refusals=(refusals.ReturnMissing, UserGone),
)
async def drop_return(
    subject: UserSubject, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> StandingOut:
    now = clock()
    return standing_out(
        await database.run(lambda db: resting.drop_return(db, subject.user_id, now=now, policy=protection_policy))
    )


@routes.post(
    "/api/protection/return/confirm",
    audience=Audience.USER,
    summary="Confirm your return to play",
    answers={200: StandingOut},
    refusals=(refusals.ReturnMissing, refusals.ReturnTooSoon, UserGone),
)
async def confirm_return(
    subject: UserSubject, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> StandingOut:
    now = clock()
    return standing_out(
        await database.run(lambda db: resting.confirm_return(db, subject.user_id, now=now, policy=protection_policy))
    )


@routes.put(
    "/api/protection/reality-check",
    audience=Audience.USER,
    summary="Choose after how many minutes to be told how long you have played",
    body=RealityCheckIn,
    answers={204: None},
    refusals=(UserGone,),
)
async def set_reality_check(
    subject: UserSubject, body: RealityCheckIn, database: Database, clock: Clock
) -> tuple[int, None]:
    now = clock()
    await database.run(lambda db: limiting.set_reality_check(db, subject.user_id, body.minutes, now=now))
    return 204, None


@routes.post(
    "/api/protection/reality-check/seen",
    audience=Audience.USER,
    summary="Say that you have seen a reality check; the next comes after another interval of play",
    answers={204: None},
    refusals=(UserGone,),
)
async def see_reality_check(subject: UserSubject, database: Database, clock: Clock) -> tuple[int, None]:
    now = clock()
    await database.run(lambda db: limiting.see_reality_check(db, subject.user_id, now=now))
    return 204, None


@routes.post(
    "/api/protection/consents",
    audience=Audience.USER,
    summary="Give or withdraw consent to one purpose",
    body=ConsentIn,
    answers={200: ConsentOut},
    refusals=(refusals.ConsentTextOutdated, UserGone),
)
async def say_consent(
    subject: UserSubject, body: ConsentIn, database: Database, protection_policy: ProtectionPolicy, clock: Clock
) -> ConsentOut:
    now = clock()
    said = await database.run(
        lambda db: consenting.say(
            db,
            subject.user_id,
            body.purpose,
            is_given=body.is_given,
            text_version=body.text_version,
            now=now,
            policy=protection_policy,
        )
    )
    return consent_out(said)


@routes.get(
    "/api/protection/consents/history",
    audience=Audience.USER,
    summary="Everything that you have consented to or withdrawn, newest first",
    query=HistoryQuery,
    answers={200: ConsentsPage},
)
async def read_consent_history(subject: UserSubject, query: HistoryQuery, database: Database) -> ConsentsPage:
    async with database.connection() as db:
        found = await consents.history(db, subject.user_id, before_id=query.cursor, limit=query.limit)
    return ConsentsPage([consent_out(each) for each in found], found[-1].id if len(found) == query.limit else None)
