"""Which identity providers let a user in: linked on their own wish alone, unlinked while another way in remains."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk, Providers
from casino_club.features.identity.events import ProviderLinked, ProviderUnlinked
from casino_club.features.identity.rules.people import PendingLogin
from casino_club.features.identity.rules.refusals import LastWayIn, LinkMissing, SessionOver, UserMissing
from casino_club.features.identity.store import providers as logins
from casino_club.features.identity.store import sessions, users
from casino_club.infra.db.database import Db
from casino_club.infra.ports import ProviderName
from casino_club.kernel.subject import UserSubject


@dataclass(frozen=True, slots=True)
class ListedLink:
    """A link as its user sees it."""

    provider: str
    label: str
    linked_at: datetime


async def link(
    desk: Desk, pending: PendingLogin, provider: ProviderName, subject_hash: bytes, *, now: datetime
) -> None:
    """Link the identity to the user who asked for it, if their session still is. Raises `IdentityTaken`."""
    assert pending.user_id is not None
    assert pending.session_id is not None
    subject = UserSubject(pending.user_id, session_id=pending.session_id)

    async def save(db: Db) -> None:
        await users.lock_account(db, subject.user_id)
        if await sessions.state_of(db, subject.user_id, subject.session_id, now=now) is None:
            raise SessionOver
        if await logins.add_link(db, subject, provider.issuer, subject_hash, now=now):
            await actions.append(db, ProviderLinked(subject.user_id, provider.id), at=now, policy=desk.actions)

    await desk.database.run(save)


async def list_links(db: Db, providers: Providers, subject: UserSubject) -> list[ListedLink]:
    """One's own links. Those whose provider the operator no longer names are left out."""
    by_issuer = {each.name.issuer: each.name for each in providers.by_id.values()}
    return [
        ListedLink(by_issuer[each.issuer].id, by_issuer[each.issuer].label, each.linked_at)
        for each in await logins.links_of(db, subject)
        if each.issuer in by_issuer
    ]


async def unlink(
    db: Db, desk: Desk, providers: Providers, subject: UserSubject, provider_id: str, *, now: datetime
) -> None:
    """Take a link of one's own away. Raises `LastWayIn` where nothing else would let the user in."""
    issuer = providers.named(provider_id).name.issuer
    account = await users.lock_account(db, subject.user_id)
    if account is None:
        raise UserMissing
    usable = {each.name.issuer for each in providers.by_id.values()}
    held = {each.issuer for each in await logins.links_of(db, subject)}

    if issuer not in held:
        raise LinkMissing
    if not account.has_password and not (held & usable) - {issuer}:
        raise LastWayIn

    await logins.remove_link(db, subject, issuer)

    await actions.append(db, ProviderUnlinked(subject.user_id, provider_id), at=now, policy=desk.actions)
