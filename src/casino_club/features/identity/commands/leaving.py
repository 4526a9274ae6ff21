"""Letting somebody go, and handing out what is kept of them until then."""

from collections.abc import AsyncIterator

from casino_club.features.identity.commands.accounts import EMAIL_KIND
from casino_club.features.identity.rules import limits
from casino_club.features.identity.rules.refusals import UserMissing
from casino_club.features.identity.store import bars, leaving, providers, users
from casino_club.infra.db.database import Db
from casino_club.infra.privacy.doors import Reach, Record
from casino_club.infra.vault import Vault
from casino_club.kernel.subject import UserSubject

PAGE_ROWS = 500
OF_USER = (limits.PASSWORD_CHANGES, limits.CODES_OF_USER, limits.AGE_CHECKS_OF_USER)
OF_EMAIL = (limits.LOGINS_OF_ACCOUNT,)
READABLE = ("nickname", EMAIL_KIND, "birth_date")
"""What is sealed of a user and theirs to read. The secret of a second factor is not shown again."""


async def remove(db: Db, vault: Vault, user_id: int) -> None:
    """Take a user out: with the data key, nothing that was sealed under it can be read again."""
    data = await _data(db, vault, user_id)
    counted = [(limit.name, str(user_id)) for limit in OF_USER]
    if EMAIL_KIND in data:
        counted += [(limit.name, data[EMAIL_KIND]) for limit in OF_EMAIL]

    await bars.keep_bar(db, user_id)
    await leaving.forget_attempts_of(db, [vault.lookup(name, of) for name, of in counted])
    await leaving.remove_user(db, user_id)


async def profile(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    """The user as the platform knows them."""
    async with reach.stores.database.connection() as db:
        row = await leaving.user_row(db, UserSubject(user_id), user_id)
        if row is not None:
            yield {**row, **await _data(db, reach.vault, user_id)}


async def sessions(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    """The user's logins and the devices they came from."""
    subject, after_id = UserSubject(user_id), 0
    while True:
        async with reach.stores.database.connection() as db:
            page = await leaving.sessions_after(db, subject, user_id, after_id=after_id, limit=PAGE_ROWS)
            if not page:
                return
            key = await users.key_of(db, subject, user_id, vault=reach.vault)
        for row in page:
            yield {**row, "device": key.open("device", row["device"])}
        after_id = page[-1]["id"]


async def links(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    """The identity providers that let the user in. Their subject there is known to us as a hash alone."""
    async with reach.stores.database.connection() as db:
        for each in await providers.links_of(db, UserSubject(user_id)):
            yield {"issuer": each.issuer, "linked_at": each.linked_at}


async def _data(db: Db, vault: Vault, user_id: int) -> dict[str, str]:
    subject = UserSubject(user_id)
    try:
        key = await users.key_of(db, subject, user_id, vault=vault)
    except UserMissing:
        return {}
    return await users.data_of(db, subject, user_id, READABLE, key=key)
