"""Asking to be erased, taking it back, and seeing how far it is."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from casino_club.features.identity import public as identity
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.rules.erasures import Erasure, ErasureState, Receipt, receipt_of
from casino_club.features.privacy.rules.refusals import ErasureMissing
from casino_club.features.privacy.store import erasures as store
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.infra.tickets import new_ticket, ticket_digest
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import OPERATOR, UserSubject


@dataclass(frozen=True, slots=True)
class Asked:
    """An erasure, and the code that shows its receipt to whoever has it. The code is handed out once."""

    erasure: Erasure
    receipt_code: str


async def ask(office: Office, subject: UserSubject, *, password: str | None, code: str | None, now: datetime) -> Asked:
    """Ask to be erased after the time of grace. A stolen access token alone does not get that far."""
    await identity.prove(office.desk, subject, password=password, code=code, now=now)
    receipt_code = new_ticket()

    add = partial(
        store.add_erasure,
        erasure_id=_new_id(receipt_code),
        user_id=subject.user_id,
        receipt_digest=ticket_digest(receipt_code),
        due_at=now + office.grace,
        now=now,
    )
    return Asked(await office.database.run(add), receipt_code)


async def take_back(db: Db, subject: UserSubject) -> None:
    """Stay, after all. Raises `ErasureMissing` once it has begun."""
    if not await store.take_back(db, subject):
        raise ErasureMissing


async def own_receipt(db: Db, office: Office, subject: UserSubject) -> Receipt:
    """How the subject's own erasure stands."""
    return await _receipt(db, office, await store.erasure_of(db, subject))


async def receipt_by_code(db: Db, office: Office, receipt_code: str) -> Receipt:
    """The same for whoever holds the code: the user has no account to log in with any more."""
    return await _receipt(db, office, await store.erasure_by_code(db, ticket_digest(receipt_code)))


async def _receipt(db: Db, office: Office, erasure: Erasure | None) -> Receipt:
    if erasure is None:
        raise ErasureMissing
    return receipt_of(erasure, await store.confirmed(db, erasure.id), office.stores)


async def unfinished(db: Db, office: Office, *, limit: int) -> list[Receipt]:
    """Erasures that are asked for or under way."""
    return [await _receipt(db, office, each) for each in await store.unfinished(db, limit=limit)]


async def order(db: Db, user_id: int, *, now: datetime) -> UUID:
    """Have a user erased at once, for the operator; one who has asked need not wait any longer. The erasure's id."""
    known = await store.erasure_of(db, UserSubject(user_id))
    if known is not None and known.state is ErasureState.ASKED:
        await store.hurry(db, user_id, now=now)
    else:
        known = await store.add_erasure(db, _new_id(new_ticket()), user_id, receipt_digest=None, due_at=now, now=now)
    await deeds.note(db, OPERATOR, "erase_user", f"user:{user_id}", now=now)
    return known.id


async def receipt_by_id(db: Db, office: Office, erasure_id: UUID) -> Receipt:
    """How far an erasure is, for the operator."""
    return await _receipt(db, office, (await store.by_ids(db, [erasure_id])).get(erasure_id))


def _new_id(ticket: str) -> UUID:
    """As random as a ticket is; a database restored from a dump must not give an id twice."""
    return derived_uuid("erasure", ticket)
