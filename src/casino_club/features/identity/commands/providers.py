"""Logging in at an identity provider: begun in a browser, ended in the same browser, at the same provider, once.

Nothing that could end a login is kept: the verifier and the nonce follow from what the browser alone holds.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.accounts import add_newcomer
from casino_club.features.identity.commands.desk import Desk, Providers, Sender, count_attempt
from casino_club.features.identity.commands.factors import show_factor
from casino_club.features.identity.commands.links import link
from casino_club.features.identity.commands.sessions import Opened, begin_session
from casino_club.features.identity.events import ProviderLinked
from casino_club.features.identity.rules import limits, oidc
from casino_club.features.identity.rules.oidc import Asked, Expected, Newcomer
from casino_club.features.identity.rules.people import PendingLogin
from casino_club.features.identity.rules.refusals import (
    CodeNeeded,
    CodeSpent,
    EmailHeld,
    IdentityTaken,
    IdTokenInvalid,
    LoginCancelled,
    LoginUnknown,
    ProviderUnavailable,
)
from casino_club.features.identity.store import bars, factors, users
from casino_club.features.identity.store import providers as logins
from casino_club.infra.db.database import Db
from casino_club.infra.ports import CodeRejected, Exchanged, IdentityProvider, ProviderAway, TokenForged
from casino_club.infra.tickets import new_ticket, ticket_digest
from casino_club.kernel.subject import UserSubject

_log = logging.getLogger(__name__)

IDENTITY_KIND = "identity"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps until it comes back."""

    url: str
    browser_ticket: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from a provider, and the ticket that it kept."""

    provider_id: str
    state: str
    browser_ticket: str
    code: str | None = None
    issuer: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom a provider knows. The hash stands for the identity wherever it is kept."""

    provider: IdentityProvider
    subject: str
    subject_hash: bytes
    exchanged: Exchanged


@dataclass(frozen=True, slots=True)
class Ended:
    """How a login ended: with a session, a link, or a ticket to show the second factor with."""

    opened: Opened | None = None
    waiting_ticket: str | None = None

    @property
    def outcome(self) -> str:
        if self.waiting_ticket is not None:
            return CodeNeeded.code
        return "linked" if self.opened is None else "logged_in"


async def begin(
    desk: Desk,
    providers: Providers,
    provider_id: str,
    return_to: str,
    sender: Sender,
    *,
    link_to: UserSubject | None = None,
    now: datetime,
) -> Begun:
    """Begin a login, or a link to this user. Raises `ReturnRefused`, `ProviderMissing`, `ProviderUnavailable`."""
    path, provider = oidc.local_path(return_to), providers.named(provider_id)
    await count_attempt(desk, limits.PROVIDER_LOGINS_FROM_ADDRESS, sender.address, now=now)
    try:
        facts = await provider.facts()
    except ProviderAway as away:
        raise _unavailable(provider, away) from None
    state, browser_ticket = new_ticket(), new_ticket()
    asked = _asked(desk, providers, provider, state, browser_ticket)

    pending = PendingLogin(
        provider=provider_id,
        browser_digest=ticket_digest(browser_ticket),
        return_to=path,
        user_id=None if link_to is None else link_to.user_id,
        session_id=None if link_to is None else link_to.session_id,
    )
    await desk.database.run(lambda db: logins.add_pending(db, ticket_digest(state), pending, now=now))
    return Begun(oidc.authorization_url(facts.authorization_endpoint, asked), browser_ticket)


async def take(desk: Desk, returned: Returned, sender: Sender, *, now: datetime) -> PendingLogin:
    """The login that this browser comes back from; nobody comes back from it twice. Raises `LoginUnknown`."""
    await count_attempt(desk, limits.PROVIDER_LOGINS_FROM_ADDRESS, sender.address, now=now)
    digest = ticket_digest(returned.state)
    pending = await desk.database.run(lambda db: logins.take_pending(db, digest, since=now - oidc.LOGIN_MAX))
    return oidc.check_browser(pending, ticket_digest(returned.browser_ticket))


async def end(
    desk: Desk, providers: Providers, pending: PendingLogin, returned: Returned, sender: Sender, *, now: datetime
) -> Ended:
    """End a login that was taken. Raises what speaks against it; nothing is changed then."""
    provider = providers.named(returned.provider_id)
    try:
        known = await _known(desk, providers, provider, pending, returned, now=now)
        if pending.user_id is not None:
            await link(desk, pending, provider.name, known.subject_hash, now=now)
            return Ended()
        return await _log_in(desk, known, sender, now=now)
    except ProviderAway as away:
        raise _unavailable(provider, away) from None
    except IdTokenInvalid as invalid:
        _log.warning("An ID token of provider %s was refused: %s", provider.name.id, invalid.why)
        raise


async def show_code(desk: Desk, browser_ticket: str | None, code: str, sender: Sender, *, now: datetime) -> Opened:
    """The session of somebody whom a provider let in and who now shows their second factor."""
    if browser_ticket is None:
        raise LoginUnknown
    digest = ticket_digest(browser_ticket)
    async with desk.database.connection() as db:
        user_id = await logins.waiting_user(db, digest, since=now - oidc.WAITING_MAX)
    if user_id is None:
        raise LoginUnknown
    await count_attempt(desk, limits.CODES_OF_USER, str(user_id), now=now)

    async def enter(db: Db) -> Opened:
        account = await users.lock_account(db, user_id)
        if account is None or not await logins.take_waiting(db, digest):
            raise LoginUnknown
        has_second_factor = await show_factor(db, desk, UserSubject(user_id), code, now=now)
        return await begin_session(db, desk, account, sender, has_second_factor=has_second_factor, now=now)

    return await desk.database.run(enter)


async def _known(
    desk: Desk,
    providers: Providers,
    provider: IdentityProvider,
    pending: PendingLogin,
    returned: Returned,
    *,
    now: datetime,
) -> Known:
    """Whom the provider names, once all that it sent has been looked at."""
    name, facts = provider.name, await provider.facts()
    oidc.check_provider(
        pending, name.id, issuer=name.issuer, named_issuer=returned.issuer, sends_issuer=facts.sends_issuer
    )
    if returned.error is not None or returned.code is None:
        raise LoginCancelled
    asked = _asked(desk, providers, provider, returned.state, returned.browser_ticket)
    exchanged = await _exchanged(provider, returned.code, asked)
    subject = oidc.check_id_token(
        exchanged.claims,
        Expected(name.issuer, name.client_id, asked.nonce),
        algorithm=exchanged.algorithm,
        access_token=exchanged.access_token,
        now=now,
    )
    return Known(provider, subject, desk.vault.lookup(IDENTITY_KIND, f"{name.issuer}\0{subject}"), exchanged)


async def _exchanged(provider: IdentityProvider, code: str, asked: Asked) -> Exchanged:
    try:
        return await provider.exchange(code, verifier=asked.verifier, redirect_uri=asked.redirect_uri)
    except CodeRejected:
        raise CodeSpent from None
    except TokenForged as forged:
        raise IdTokenInvalid(str(forged)) from None


async def _log_in(desk: Desk, known: Known, sender: Sender, *, now: datetime) -> Ended:
    ended = await _enter_if_linked(desk, known, sender, now=now)
    if ended is not None:
        return ended
    await count_attempt(desk, limits.SIGN_UPS_FROM_ADDRESS, sender.address, now=now)
    newcomer = oidc.newcomer(await _profile(known))
    try:
        return await desk.database.run(lambda db: _sign_up(db, desk, known, newcomer, sender, now=now))
    except (IdentityTaken, EmailHeld):
        # The same person may have come in twice at once; then the other one has made the account.
        ended = await _enter_if_linked(desk, known, sender, now=now)
        if ended is None:
            raise
        return ended


async def _enter_if_linked(desk: Desk, known: Known, sender: Sender, *, now: datetime) -> Ended | None:
    async def enter(db: Db) -> Ended | None:
        user_id = await logins.linked_user(db, known.provider.name.issuer, known.subject_hash)
        return None if user_id is None else await _enter(db, desk, user_id, sender, now=now)

    return await desk.database.run(enter)


async def _enter(db: Db, desk: Desk, user_id: int, sender: Sender, *, now: datetime) -> Ended | None:
    subject, account = UserSubject(user_id), await users.lock_account(db, user_id)
    if account is None:
        return None
    if account.is_banned or await factors.last_step_of(db, subject, is_confirmed=True) is None:
        return Ended(await begin_session(db, desk, account, sender, has_second_factor=False, now=now))
    ticket = new_ticket()
    await logins.add_waiting(db, subject, ticket_digest(ticket), now=now)
    return Ended(waiting_ticket=ticket)


async def _sign_up(db: Db, desk: Desk, known: Known, newcomer: Newcomer, sender: Sender, *, now: datetime) -> Ended:
    name = known.provider.name
    if await bars.is_barred(db, [known.subject_hash], now=now):
        raise IdentityTaken
    user_id = await add_newcomer(db, desk, newcomer, now=now)
    account = await users.lock_account(db, user_id)
    assert account is not None

    await logins.add_link(db, UserSubject(user_id), name.issuer, known.subject_hash, now=now)

    await actions.append(db, ProviderLinked(user_id, name.id), at=now, policy=desk.actions)
    return Ended(await begin_session(db, desk, account, sender, has_second_factor=False, now=now))


async def _profile(known: Known) -> oidc.Claims:
    """All that the provider tells of somebody. Most tell it apart from the ID token."""
    claims, access_token = known.exchanged.claims, known.exchanged.access_token
    if "email" in claims or access_token is None:
        return claims
    profile = await known.provider.profile(access_token)
    oidc.check_profile(profile, known.subject)
    return {**claims, **profile}


def _asked(desk: Desk, providers: Providers, provider: IdentityProvider, state: str, browser_ticket: str) -> Asked:
    name = provider.name

    def derived(kind: str) -> str:
        return oidc.unpadded(desk.vault.lookup(kind, f"{state}\0{browser_ticket}"))

    return Asked(
        client_id=name.client_id,
        scopes=name.scopes,
        redirect_uri=providers.redirect_uri(name.id),
        state=state,
        nonce=derived("oidc nonce"),
        verifier=derived("oidc verifier"),
    )


def _unavailable(provider: IdentityProvider, away: ProviderAway) -> ProviderUnavailable:
    _log.warning("Identity provider %s can't be used: %s", provider.name.id, away)
    return ProviderUnavailable()
