"""What this slice does when time passes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from casino_club.features.privacy.commands import carrying, exporting
from casino_club.features.privacy.commands.office import Office
from casino_club.features.privacy.store import erasures, exports
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept
from casino_club.kernel.subject import UserSubject


@job(
    "erase_users",
    every=timedelta(minutes=1),
    about="Carries out erasures that are due, and asks again those stores that were away.",
)
async def erase_users(work: Work) -> None:
    office = work.given[Office]
    await carrying.keep_journal(office)
    await carrying.catch_up_with_journal(office, now=work.now)
    await carrying.carry_out_due(office, now=work.now)


@job(
    "gather_exports",
    every=timedelta(minutes=1),
    about="Gathers the exports that users have asked for, and deletes those that have expired.",
)
async def gather_exports(work: Work) -> None:
    await work.database.run(partial(exports.forget_expired, now=work.now))
    await exporting.gather_asked(work.given[Office], now=work.now)


ERASURES = kept("erasures", about="That a number was erased, when, and which stores have confirmed: the receipt.")


@erase("privacy", about="The user's export, if there is one.")
async def erase_exports(reach: Reach, erased: Erased) -> None:
    """That the user was erased is kept: it says so by number."""
    await reach.stores.database.run(partial(exports.forget_of, user_id=erased.user_id))


@export(
    "requests",
    about="What you have asked for concerning your data.",
    about_ko="회원님이 자신의 정보에 대해 요청하신 것.",
)
async def export_requests(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    subject = UserSubject(user_id)
    async with reach.stores.database.connection() as db:
        erasure, asked = await erasures.erasure_of(db, subject), await exports.export_of(db, subject)
    if erasure is not None:
        yield {"asked_for": "erasure", "state": erasure.state, "asked_at": erasure.asked_at, "due_at": erasure.due_at}
    if asked is not None:
        yield {"asked_for": "export", "state": asked.state, "asked_at": asked.asked_at}
