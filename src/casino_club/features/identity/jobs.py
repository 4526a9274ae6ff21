"""What this slice does when time passes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from casino_club.features.identity.commands import leaving
from casino_club.features.identity.rules.limits import WINDOW_MAX
from casino_club.features.identity.rules.oidc import LOGIN_MAX
from casino_club.features.identity.rules.sessions import KEPT_AFTER_END
from casino_club.features.identity.store import attempts, bars, providers, sessions
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

FORGOTTEN_AT_ONCE = 1_000


@job("forget_sessions", every=timedelta(hours=1), about="Deletes sessions that have been over for long enough.")
async def forget_sessions(work: Work) -> None:
    forget = partial(sessions.forget_sessions, before=work.now - KEPT_AFTER_END, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


@job("forget_logins", every=timedelta(hours=1), about="Deletes logins at identity providers that nobody finished.")
async def forget_logins(work: Work) -> None:
    forget = partial(providers.forget_logins, before=work.now - LOGIN_MAX, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) >= FORGOTTEN_AT_ONCE:
        pass


@job("forget_attempts", every=timedelta(hours=1), about="Deletes counts of attempts whose window is over.")
async def forget_attempts(work: Work) -> None:
    forget = partial(attempts.forget_attempts, before=work.now - WINDOW_MAX, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


@job("forget_bars", every=timedelta(hours=1), about="Deletes hashes of those who were barred and may sign up again.")
async def forget_bars(work: Work) -> None:
    forget = partial(bars.forget_bars, before=work.now, limit=FORGOTTEN_AT_ONCE)
    while await work.database.run(forget) == FORGOTTEN_AT_ONCE:
        pass


AUDIT = kept("audit", about="Deeds of staff and whom they were done to, by number: their chain lets nothing go.")


@erase(
    "identity",
    about="Account, sealed data and key, links, sessions, second factor, proof of age, counts of attempts.",
)
async def erase_identity(reach: Reach, erased: Erased) -> None:
    await reach.stores.database.run(partial(leaving.remove, vault=reach.vault, user_id=erased.user_id))


@export(
    "profile",
    about="Who you are to us: nickname, e-mail address, date of birth if you gave one, roles, level, and proof of age.",
    about_ko="저희가 아는 회원님: 닉네임, 이메일 주소, 알려 주신 경우 생년월일, 역할, 등급, 나이 확인.",
)
def export_profile(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    return leaving.profile(reach, user_id)


@export(
    "identity_links",
    about="Identity providers that you may log in with, and since when.",
    about_ko="로그인에 사용할 수 있는 외부 계정과 연결된 날짜.",
)
def export_identity_links(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    return leaving.links(reach, user_id)


@export(
    "sessions",
    about="Your logins: when each began and ended, and what your browser or app called itself.",
    about_ko="로그인 기록: 시작과 끝, 그리고 브라우저나 앱이 스스로를 밝힌 이름.",
)
def export_sessions(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    return leaving.sessions(reach, user_id)
