"""Logging in at identity providers. Browsers are always sent on to a page of this site; programs may ask for JSON."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from casino_club.features.identity.commands import links, proof
from casino_club.features.identity.commands import providers as commands
from casino_club.features.identity.commands.desk import Desk, Providers
from casino_club.features.identity.commands.providers import Begun, Ended, Returned
from casino_club.features.identity.routes.answers import kept, sender, session_opened, shown
from casino_club.features.identity.rules import oidc, refusals
from casino_club.features.identity.schemas import (
    CodeIn,
    LinkIn,
    LinkList,
    LinkOut,
    LoginBegun,
    LoginEnded,
    ProviderList,
    ProviderOut,
    ReturnedQuery,
    ReturnQuery,
    SessionOpened,
)
from casino_club.infra.http.cookies import login_cookie, login_value, no_login_cookie
from casino_club.infra.http.requests import Call, decode_open_query
from casino_club.infra.http.routes import JSON, Audience, Raw, Routes
from casino_club.infra.passwords import TooManyLogins
from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]
Header = tuple[bytes, bytes]

HOME: Final = "/"
LOGIN_SECONDS: Final = int(oidc.LOGIN_MAX.total_seconds())
WAITING_SECONDS: Final = int(oidc.WAITING_MAX.total_seconds())

routes = Routes(tags=["identity providers"])


@routes.get(
    "/api/oidc/providers",
    audience=Audience.PUBLIC,
    summary="Identity providers that people may log in with",
    answers={200: ProviderList},
)
async def read_providers(providers: Providers) -> ProviderList:
    names = [each.name for each in providers.by_id.values()]
    return ProviderList([ProviderOut(name.id, name.label, f"/api/oidc/{name.id}/start") for name in names])


@routes.get(
    "/api/oidc/{provider}/start",
    audience=Audience.PUBLIC,
    summary="Go and log in at this provider",
    query=ReturnQuery,
    answers={302: None, 200: LoginBegun},
    refusals=(
        refusals.ProviderMissing,
        refusals.ProviderUnavailable,
        refusals.ReturnRefused,
        refusals.TooManyAttempts,
    ),
)
async def start_login(
    provider: str, query: bytes, call: Call, desk: Desk, providers: Providers, proxies_in_front: int, clock: Clock
) -> Raw:
    """A browser is sent to the provider; with `Accept: application/json` the address is the answer."""
    now, who = clock(), sender(call, proxies_in_front)
    try:
        return_to = decode_open_query(ReturnQuery, query).return_to
        begun = await commands.begin(desk, providers, provider, return_to, who, now=now)
    except Refused as refused:
        return _refused(call, HOME, refused)
    if _wants_json(call):
        return _begun(begun, 200)
    return _sent_to(begun.url, login_cookie(begun.browser_ticket, LOGIN_SECONDS))


@routes.get(
    "/api/oidc/{provider}/callback",
    audience=Audience.PUBLIC,
    summary="Come back from this provider",
    query=ReturnedQuery,
    answers={302: None, 200: LoginEnded},
    refusals=(
        refusals.ProviderMissing,
        refusals.ProviderUnavailable,
        refusals.ProviderMixedUp,
        refusals.LoginUnknown,
        refusals.LoginCancelled,
        refusals.CodeSpent,
        refusals.IdTokenInvalid,
        refusals.EmailHeld,
        refusals.IdentityTaken,
        refusals.ProviderHeld,
        refusals.SessionOver,
        refusals.Banned,
        refusals.TooManyAttempts,
    ),
)
async def end_login(
    provider: str, query: bytes, call: Call, desk: Desk, providers: Providers, proxies_in_front: int, clock: Clock
) -> Raw:
    """A browser is sent on to the page it came from, which reads in `oidc` how it went."""
    now, who, return_to = clock(), sender(call, proxies_in_front), HOME
    try:
        returned = _returned(provider, query, call)
        pending = await commands.take(desk, returned, who, now=now)
        return_to = pending.return_to
        ended = await commands.end(desk, providers, pending, returned, who, now=now)
    except Refused as refused:
        return _refused(call, return_to, refused)
    return _ended(call, return_to, ended)


@routes.post(
    "/api/oidc/code",
    audience=Audience.PUBLIC,
    summary="Show the second factor after a provider let one in",
    body=CodeIn,
    answers={200: SessionOpened},
    refusals=(
        refusals.LoginUnknown,
        refusals.WrongCode,
        refusals.Banned,
        refusals.UserMissing,
        refusals.TooManyAttempts,
    ),
)
async def show_code(body: CodeIn, call: Call, desk: Desk, proxies_in_front: int, clock: Clock) -> Raw:
    who = sender(call, proxies_in_front)
    opened = await commands.show_code(desk, login_value(call), body.code, who, now=clock())
    return shown(opened, 200, no_login_cookie())


@routes.get(
    "/api/oidc/links", audience=Audience.USER, summary="Providers that one may log in with", answers={200: LinkList}
)
async def read_links(subject: UserSubject, desk: Desk, providers: Providers) -> LinkList:
    async with desk.database.connection() as db:
        found = await links.list_links(db, providers, subject)
    return LinkList([msgspec.convert(each, LinkOut, from_attributes=True) for each in found])


@routes.post(
    "/api/oidc/{provider}/link",
    audience=Audience.USER,
    summary="Begin to link this provider with one's account",
    body=LinkIn,
    answers={201: LoginBegun},
    refusals=(
        refusals.ProviderMissing,
        refusals.ProviderUnavailable,
        refusals.ReturnRefused,
        refusals.WrongCredentials,
        refusals.FreshLoginNeeded,
        refusals.UserMissing,
        refusals.TooManyAttempts,
        TooManyLogins,
    ),
)
async def start_link(
    provider: str,
    subject: UserSubject,
    body: LinkIn,
    call: Call,
    desk: Desk,
    providers: Providers,
    proxies_in_front: int,
    clock: Clock,
) -> Raw:
    now, who = clock(), sender(call, proxies_in_front)
    await proof.prove_presence(desk, subject, body.current_password, now=now)
    begun = await commands.begin(desk, providers, provider, body.return_to, who, link_to=subject, now=now)
    return _begun(begun, 201)


@routes.delete(
    "/api/oidc/{provider}/link",
    audience=Audience.USER,
    summary="Take a link of one's own away",
    answers={204: None},
    refusals=(refusals.ProviderMissing, refusals.LinkMissing, refusals.LastWayIn, refusals.UserMissing),
)
async def remove_link(
    provider: str, subject: UserSubject, desk: Desk, providers: Providers, clock: Clock
) -> tuple[int, None]:
    now = clock()
    await desk.database.run(lambda db: links.unlink(db, desk, providers, subject, provider, now=now))
    return 204, None


def _returned(provider: str, query: bytes, call: Call) -> Returned:
    said, browser_ticket = decode_open_query(ReturnedQuery, query), login_value(call)
    if said.state is None or browser_ticket is None:
        raise refusals.LoginUnknown
    return Returned(provider, said.state, browser_ticket, said.code, said.iss, said.error)


def _begun(begun: Begun, status: int) -> Raw:
    cookie = login_cookie(begun.browser_ticket, LOGIN_SECONDS)
    return Raw(msgspec.json.encode(LoginBegun(begun.url)), JSON, status, (cookie,))


def _ended(call: Call, return_to: str, ended: Ended) -> Raw:
    cookies = [no_login_cookie()]
    if ended.waiting_ticket is not None:
        cookies = [login_cookie(ended.waiting_ticket, WAITING_SECONDS)]
    if ended.opened is not None:
        cookies.append(kept(ended.opened))
    if not _wants_json(call):
        return _sent_to(oidc.with_outcome(return_to, ended.outcome), *cookies)
    session = None if ended.opened is None else session_opened(ended.opened)
    return Raw(msgspec.json.encode(LoginEnded(ended.outcome, session)), JSON, 200, cookies)


def _refused(call: Call, return_to: str, refused: Refused) -> Raw:
    if _wants_json(call):
        raise refused
    return _sent_to(oidc.with_outcome(return_to, refused.code))


def _sent_to(location: str, *cookies: Header) -> Raw:
    return Raw(b"", JSON, 302, ((b"location", location.encode("ascii")), *cookies))


def _wants_json(call: Call) -> bool:
    accepted = call.headers.get(b"accept", b"")
    return JSON.encode() in accepted and b"text/html" not in accepted
