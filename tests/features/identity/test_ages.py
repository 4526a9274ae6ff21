"""Age is proven by somebody else, later; what is kept in clear is a yes or no."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from casino_club.features.identity import public
from casino_club.features.identity.commands import ages
from casino_club.features.identity.commands.accounts import NewUser, sign_up
from casino_club.features.identity.commands.desk import Desk, Sender
from casino_club.features.identity.rules.ages import PENDING_MAX, AgeStatus, check_birth_date, years_between
from casino_club.features.identity.rules.limits import AGE_CHECKS_OF_USER
from casino_club.features.identity.rules.refusals import AgeUnavailable, InvalidDetails, TooManyAttempts
from casino_club.infra.backends.ages import (
    ANSWER_SECONDS,
    NEVER_ANSWERED,
    REFUSED,
    TIMES_OUT,
    NoAgeVerifier,
    SandboxAgeVerifier,
)
from casino_club.infra.db.database import Database
from casino_club.infra.passwords import Passwords
from casino_club.infra.ports import AgeAnswer, AgeVerifier, AgeVerifierAway
from casino_club.infra.vault import Vault
from casino_club.kernel.subject import UserSubject
from tests.builders.actions import a_log, a_policy
from tests.features.actions.club import TOKEN_SECRET, VAULT_SECRET
from tests.features.identity.people import House

ADULT, CHILD = date(1990, 5, 5), date(2015, 5, 5)
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


@dataclass
class Verifier:
    """Answers when told to."""

    answers: dict[str, AgeAnswer] = field(default_factory=dict)
    asked: list[date] = field(default_factory=list)
    is_away: bool = False

    async def ask(self, birth_date: date) -> str:
        if self.is_away:
            raise AgeVerifierAway
        self.asked.append(birth_date)
        return f"check {len(self.asked)}"

    async def answer(self, reference: str) -> AgeAnswer | None:
        if self.is_away:
            raise AgeVerifierAway
        return self.answers.get(reference)


@dataclass
class Case:
    """A user and who checks their age."""

    desk: Desk
    verifier: Verifier
    subject: UserSubject

    async def kept(self) -> list[str]:
        async with self.desk.database.connection() as db:
            rows = await db.fetch("SELECT field FROM user_data WHERE user_id = $1 ORDER BY field", self.subject.user_id)
        return [row[0] for row in rows]

    async def is_of_age(self) -> bool:
        async with self.desk.database.connection() as db:
            return await public.ProvenAges().holds(db, self.subject.user_id)


def a_desk(database: Database, verifier: AgeVerifier) -> Desk:
    return Desk(database, Vault(VAULT_SECRET), Passwords(), a_policy(), TOKEN_SECRET, verifier, 19)


@pytest.fixture
async def case(database: Database) -> Case:
    await a_log(database).make_room()
    verifier = Verifier()
    desk = a_desk(database, verifier)
    opened = await sign_up(
        desk, NewUser("Minji", "minji@example.com", "correct horse"), Sender("192.0.2.1", ""), now=NOW
    )
    return Case(desk, verifier, UserSubject(opened.user_id))


@pytest.mark.parametrize(
    ("birth_date", "day", "years"),
    [
        (date(2007, 11, 20), date(2026, 11, 20), 19),
        (date(2007, 11, 21), date(2026, 11, 20), 18),
        (date(2008, 2, 29), date(2027, 2, 28), 18),
        (date(2008, 2, 29), date(2027, 3, 1), 19),
        (date(2026, 11, 20), date(2026, 11, 20), 0),
    ],
)
def test_a_birthday_makes_a_year(birth_date: date, day: date, years: int) -> None:
    assert years_between(birth_date, day) == years


@pytest.mark.parametrize("birth_date", [date(2026, 11, 21), date(1895, 1, 1)])
def test_nobody_was_born_tomorrow_or_too_long_ago(birth_date: date) -> None:
    with pytest.raises(InvalidDetails):
        check_birth_date(birth_date, date(2026, 11, 20))


async def test_an_answer_proves_the_age_later(case: Case) -> None:
    asked = await ages.ask(case.desk, case.subject, ADULT, now=NOW)
    before = await ages.read(case.desk, case.subject, now=SOON)
    case.verifier.answers["check 1"] = AgeAnswer.CONFIRMED

    after = await ages.read(case.desk, case.subject, now=SOON)

    assert [each.status for each in (asked, before, after)] == ["pending", "pending", "proven"]
    assert after.settled_at == SOON
    assert await case.is_of_age()


@pytest.mark.parametrize(
    ("birth_date", "answer"), [(ADULT, AgeAnswer.REFUSED), (CHILD, AgeAnswer.CONFIRMED), (CHILD, AgeAnswer.REFUSED)]
)
async def test_of_a_child_and_of_one_refused_no_date_is_kept(case: Case, birth_date: date, answer: AgeAnswer) -> None:
    await ages.ask(case.desk, case.subject, birth_date, now=NOW)
    assert "birth_date" in await case.kept()
    case.verifier.answers["check 1"] = answer

    assert (await ages.read(case.desk, case.subject, now=SOON)).status is AgeStatus.REFUSED

    assert "birth_date" not in await case.kept()
    assert not await case.is_of_age()


async def test_a_check_that_is_under_way_or_proven_is_not_asked_for_again(case: Case) -> None:
    await ages.ask(case.desk, case.subject, CHILD, now=NOW)
    again = await ages.ask(case.desk, case.subject, ADULT, now=NOW)
    case.verifier.answers["check 1"] = AgeAnswer.CONFIRMED

    assert again.status is AgeStatus.PENDING
    assert case.verifier.asked == [CHILD]
    assert (await ages.read(case.desk, case.subject, now=SOON)).status is AgeStatus.REFUSED


async def test_who_was_refused_may_ask_again_a_few_times_a_day(case: Case) -> None:
    for number in range(1, AGE_CHECKS_OF_USER.tries_max + 1):
        await ages.ask(case.desk, case.subject, ADULT, now=NOW)
        case.verifier.answers[f"check {number}"] = AgeAnswer.REFUSED
        await ages.read(case.desk, case.subject, now=SOON)

    with pytest.raises(TooManyAttempts):
        await ages.ask(case.desk, case.subject, ADULT, now=SOON)


async def test_a_check_that_nobody_answers_may_be_asked_for_again(case: Case) -> None:
    await ages.ask(case.desk, case.subject, ADULT, now=NOW)

    later = await ages.ask(case.desk, case.subject, ADULT, now=NOW + PENDING_MAX)

    assert later.status is AgeStatus.PENDING
    assert len(case.verifier.asked) == 2


async def test_a_verifier_who_is_away_proves_nothing_and_nothing_is_kept(case: Case) -> None:
    case.verifier.is_away = True

    with pytest.raises(AgeUnavailable):
        await ages.ask(case.desk, case.subject, ADULT, now=NOW)

    assert "birth_date" not in await case.kept()
    assert (await ages.read(case.desk, case.subject, now=SOON)).status is AgeStatus.UNKNOWN


async def test_a_verifier_who_goes_away_leaves_the_check_pending(case: Case) -> None:
    await ages.ask(case.desk, case.subject, ADULT, now=NOW)
    case.verifier.is_away = True

    assert (await ages.read(case.desk, case.subject, now=SOON)).status is AgeStatus.PENDING


async def test_no_table_holds_the_date_of_birth(case: Case) -> None:
    await ages.ask(case.desk, case.subject, ADULT, now=NOW)

    async with case.desk.database.connection() as db:
        tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        kept = [str(await db.fetch(f'SELECT t::text FROM "{name}" t')) for (name,) in tables]

    assert not any(ADULT.isoformat() in text or ADULT.isoformat().encode().hex() in text for text in kept)


async def test_the_sandbox_answers_late_refuses_is_silent_and_is_away() -> None:
    now = 1000.0
    sandbox = SandboxAgeVerifier(wall=lambda: now)
    good, bad, silent = [await sandbox.ask(born) for born in (ADULT, REFUSED, NEVER_ANSWERED)]
    assert await sandbox.answer(good) is None

    now += ANSWER_SECONDS

    assert [await sandbox.answer(each) for each in (good, bad, silent)] == ["confirmed", "refused", None]
    with pytest.raises(AgeVerifierAway):
        await sandbox.ask(TIMES_OUT)


async def test_where_none_is_named_nobody_is_asked() -> None:
    nobody = NoAgeVerifier()

    for asking in (nobody.ask(ADULT), nobody.answer("x")):
        with pytest.raises(AgeVerifierAway):
            await asking


async def test_ages_are_asked_for_over_http(house: House) -> None:
    person = await house.person()

    before = await person.send("GET", "/api/users/verify-age")
    asked = await person.send("POST", "/api/users/verify-age", {"birth_date": "1990-05-05"})
    odd = await person.send("POST", "/api/users/verify-age", {"birth_date": "1990-05-05", "is_of_age": True})

    assert (before.status_code, before.json()["status"]) == (200, "unknown")
    assert (asked.status_code, asked.json()["code"]) == (503, "age_unavailable")
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_body")
