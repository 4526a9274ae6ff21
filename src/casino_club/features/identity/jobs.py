"""What this slice does when time passes."""

from datetime import timedelta
from functools import partial

from casino_club.features.identity.rules.limits import WINDOW_MAX
from casino_club.features.identity.rules.sessions import KEPT_AFTER_END
from casino_club.features.identity.store import attempts, sessions
from casino_club.infra.jobs.job import Work, job

FORGOTTEN_AT_ONCE = 1_000


@job("forget_sessions", every=timedelta(hours=1), about="Deletes sessions that have been over for long enough.")
async def forget_sessions(work: Work) -> None:
    forget = partial(sessions.forget_sessions, before=work.now - KEPT_AFTER_END, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


@job("forget_attempts", every=timedelta(hours=1), about="Deletes counts of attempts whose window is over.")
async def forget_attempts(work: Work) -> None:
    forget = partial(attempts.forget_attempts, before=work.now - WINDOW_MAX, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass
