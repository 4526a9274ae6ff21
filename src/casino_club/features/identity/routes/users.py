"""Who is who over HTTP: signing up, logging in, sessions, the profile, and what staff do to users."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from casino_club.features.identity.commands import accounts, ages, factors, sessions, staff
from casino_club.features.identity.commands.accounts import Login, NewUser, Profile
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.routes.answers import sender, shown
from casino_club.features.identity.rules import refusals
from casino_club.features.identity.schemas import (
    AgeIn,
    AgeOut,
    CodeIn,
    EnrolIn,
    EnrolmentOut,
    LoginIn,
    PasswordIn,
    ProfileIn,
    ProfileOut,
    RecoveryCodes,
    RemoveFactorIn,
    RolesIn,
    SessionList,
    SessionOpened,
    SessionOut,
    SignUpIn,
)
from casino_club.infra.http.cookies import no_refresh_cookie, refresh_value
from casino_club.infra.http.requests import Call
from casino_club.infra.http.routes import JSON, Audience, Id, Raw, Routes
from casino_club.infra.passwords import TooManyLogins
from casino_club.kernel.subject import Role, UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["users"])


@routes.post(
    "/api/users/signup",
    audience=Audience.PUBLIC,
    summary="Become a user, and be logged in",
    body=SignUpIn,
    answers={201: SessionOpened},
    refusals=(refusals.EmailTaken, refusals.InvalidDetails, refusals.TooManyAttempts, TooManyLogins),
)
async def sign_up(body: SignUpIn, call: Call, desk: Desk, proxies_in_front: int, clock: Clock) -> Raw:
    wanted = NewUser(body.nickname, body.email, body.password)
    opened = await accounts.sign_up(desk, wanted, sender(call, proxies_in_front), now=clock())
    return shown(opened, 201)


@routes.post(
    "/api/users/login",
    audience=Audience.PUBLIC,
    summary="Log in with e-mail address and password",
    body=LoginIn,
    answers={200: SessionOpened},
    refusals=(
        refusals.WrongCredentials,
        refusals.CodeNeeded,
        refusals.WrongCode,
        refusals.Banned,
        refusals.InvalidDetails,
        refusals.TooManyAttempts,
        TooManyLogins,
    ),
)
async def log_in(body: LoginIn, call: Call, desk: Desk, proxies_in_front: int, clock: Clock) -> Raw:
    login = Login(body.email, body.password, body.code)
    return shown(await accounts.log_in(desk, login, sender(call, proxies_in_front), now=clock()), 200)


@routes.post(
    "/api/users/refresh",
    audience=Audience.PUBLIC,
    summary="The next access token, for the refresh token in the cookie",
    answers={200: SessionOpened},
    refusals=(refusals.SessionOver,),
)
async def refresh(call: Call, desk: Desk, clock: Clock) -> Raw:
    refresh_token = refresh_value(call)
    if refresh_token is None:
        raise refusals.SessionOver
    return shown(await sessions.refresh(desk, refresh_token, now=clock()), 200)


@routes.post(
    "/api/users/logout",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="End the session that this token is of",
    answers={204: None},
)
async def log_out(subject: UserSubject, desk: Desk, clock: Clock) -> Raw:
    now = clock()
    await desk.database.run(lambda db: sessions.log_out(db, subject, now=now))
    return Raw(b"", JSON, 204, (no_refresh_cookie(),))


@routes.post(
    "/api/users/logout-everywhere",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="End all of one's sessions",
    answers={204: None},
)
async def log_out_everywhere(subject: UserSubject, desk: Desk, clock: Clock) -> Raw:
    now = clock()
    await desk.database.run(lambda db: sessions.log_out_everywhere(db, subject, now=now))
    return Raw(b"", JSON, 204, (no_refresh_cookie(),))


@routes.get(
    "/api/users/sessions",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="One's sessions that are not over",
    answers={200: SessionList},
    refusals=(refusals.UserMissing,),
)
async def read_sessions(subject: UserSubject, desk: Desk, clock: Clock) -> SessionList:
    async with desk.database.connection() as db:
        found = await sessions.list_sessions(db, desk, subject, now=clock())
    return SessionList([msgspec.convert(each, SessionOut, from_attributes=True) for each in found])


@routes.delete(
    "/api/users/sessions/{session_id}",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="End one of one's sessions",
    answers={204: None},
    refusals=(refusals.SessionMissing,),
)
async def revoke_session(session_id: Id, subject: UserSubject, desk: Desk, clock: Clock) -> tuple[int, None]:
    now = clock()
    await desk.database.run(lambda db: sessions.revoke_session(db, subject, session_id, now=now))
    return 204, None


@routes.post(
    "/api/users/password",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="Change the password; every other session ends",
    body=PasswordIn,
    answers={204: None},
    refusals=(
        refusals.WrongCredentials,
        refusals.FreshLoginNeeded,
        refusals.InvalidDetails,
        refusals.UserMissing,
        refusals.TooManyAttempts,
        TooManyLogins,
    ),
)
async def change_password(subject: UserSubject, body: PasswordIn, desk: Desk, clock: Clock) -> tuple[int, None]:
    await accounts.change_password(desk, subject, body.current_password, body.new_password, now=clock())
    return 204, None


@routes.post(
    "/api/users/totp",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="Begin to enrol a second factor",
    body=EnrolIn,
    answers={201: EnrolmentOut},
    refusals=(
        refusals.WrongCredentials,
        refusals.FreshLoginNeeded,
        refusals.FactorHeld,
        refusals.UserMissing,
        refusals.TooManyAttempts,
        TooManyLogins,
    ),
)
async def enrol_factor(subject: UserSubject, body: EnrolIn, desk: Desk, clock: Clock) -> EnrolmentOut:
    enrolment = await factors.enrol(desk, subject, body.current_password, now=clock())
    return EnrolmentOut(enrolment.secret, enrolment.url)


@routes.post(
    "/api/users/totp/confirm",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="Show that the app gives codes; from then on every login needs one",
    body=CodeIn,
    answers={200: RecoveryCodes},
    refusals=(refusals.WrongCode, refusals.FactorMissing, refusals.UserMissing, refusals.TooManyAttempts),
)
async def confirm_factor(subject: UserSubject, body: CodeIn, desk: Desk, clock: Clock) -> RecoveryCodes:
    return RecoveryCodes(await factors.confirm(desk, subject, body.code, now=clock()))


@routes.post(
    "/api/users/totp/remove",
    audience=Audience.USER,
    is_open_without_factor=True,
    summary="Take the second factor away; all sessions end",
    body=RemoveFactorIn,
    answers={204: None},
    refusals=(
        refusals.WrongCredentials,
        refusals.FreshLoginNeeded,
        refusals.WrongCode,
        refusals.FactorMissing,
        refusals.UserMissing,
        refusals.TooManyAttempts,
        TooManyLogins,
    ),
)
async def remove_factor(subject: UserSubject, body: RemoveFactorIn, desk: Desk, clock: Clock) -> tuple[int, None]:
    await factors.remove(desk, subject, body.current_password, body.code, now=clock())
    return 204, None


@routes.post(
    "/api/users/verify-age",
    audience=Audience.USER,
    summary="Ask for one's age to be checked",
    body=AgeIn,
    answers={202: AgeOut},
    refusals=(
        refusals.InvalidDetails,
        refusals.AgeUnavailable,
        refusals.UserMissing,
        refusals.TooManyAttempts,
    ),
)
async def verify_age(subject: UserSubject, body: AgeIn, desk: Desk, clock: Clock) -> AgeOut:
    standing = await ages.ask(desk, subject, body.birth_date, now=clock())
    return AgeOut(standing.status, standing.settled_at)


@routes.get("/api/users/verify-age", audience=Audience.USER, summary="How one's age stands", answers={200: AgeOut})
async def read_age(subject: UserSubject, desk: Desk, clock: Clock) -> AgeOut:
    standing = await ages.read(desk, subject, now=clock())
    return AgeOut(standing.status, standing.settled_at)


@routes.get(
    "/api/users/{user_id}/profile",
    audience=Audience.USER,
    summary="A user's profile: one's own, or anybody's for support and admins",
    answers={200: ProfileOut},
    refusals=(refusals.UserMissing,),
)
async def read_profile(user_id: Id, subject: UserSubject, desk: Desk) -> ProfileOut:
    async with desk.database.connection() as db:
        return _profile(await accounts.read_profile(db, desk, subject, user_id))


@routes.patch(
    "/api/users/{user_id}/profile",
    audience=Audience.USER,
    summary="Change one's own profile",
    body=ProfileIn,
    answers={200: ProfileOut},
    refusals=(refusals.UserMissing, refusals.InvalidDetails),
)
async def write_profile(user_id: Id, subject: UserSubject, body: ProfileIn, desk: Desk) -> ProfileOut:
    renamed = await desk.database.run(lambda db: accounts.rename(db, desk, subject, user_id, body.nickname))
    return _profile(renamed)


@routes.put(
    "/api/admin/users/{user_id}/roles",
    audience=Audience.STAFF,
    roles=(Role.ADMIN,),
    summary="Give a user these roles and no others; their sessions end",
    body=RolesIn,
    answers={204: None},
    refusals=(refusals.UserMissing, refusals.NotYourself),
)
async def write_roles(user_id: Id, subject: UserSubject, body: RolesIn, desk: Desk, clock: Clock) -> tuple[int, None]:
    now = clock()
    await desk.database.run(lambda db: staff.set_roles(db, desk, user_id, body.roles, by=subject, now=now))
    return 204, None


@routes.post(
    "/api/admin/users/{user_id}/ban",
    audience=Audience.STAFF,
    roles=(Role.SUPPORT, Role.ADMIN),
    summary="Keep a user out; their sessions end",
    answers={204: None},
    refusals=(refusals.UserMissing, refusals.NotYourself),
)
async def ban_user(user_id: Id, subject: UserSubject, desk: Desk, clock: Clock) -> tuple[int, None]:
    now = clock()
    await desk.database.run(lambda db: staff.ban(db, desk, user_id, by=subject, now=now))
    return 204, None


@routes.post(
    "/api/admin/users/{user_id}/unban",
    audience=Audience.STAFF,
    roles=(Role.SUPPORT, Role.ADMIN),
    summary="Let a user in again",
    answers={204: None},
    refusals=(refusals.UserMissing, refusals.NotYourself),
)
async def unban_user(user_id: Id, subject: UserSubject, desk: Desk, clock: Clock) -> tuple[int, None]:
    now = clock()
    await desk.database.run(lambda db: staff.unban(db, desk, user_id, by=subject, now=now))
    return 204, None


def _profile(profile: Profile) -> ProfileOut:
    facts = profile.facts
    return ProfileOut(
        user_id=facts.id,
        nickname=profile.nickname,
        email=profile.email,
        created_at=facts.created_at,
        vip_tier=facts.vip_tier,
        battlepass_level=facts.battlepass_level,
        total_spent=facts.total_spent,
        roles=sorted(facts.roles),
    )
