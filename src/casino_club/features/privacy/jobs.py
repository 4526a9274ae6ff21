"""What this slice does when time passes."""

from datetime import timedelta

from casino_club.features.privacy.commands import carrying
from casino_club.features.privacy.commands.office import Office
from casino_club.infra.jobs.job import Work, job


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
