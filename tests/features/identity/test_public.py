"""What slices above ask of identity."""

from datetime import UTC, datetime

from casino_club.features.identity import public
from casino_club.infra.http.callers import SessionState
from tests.features.identity.people import House
from tests.features.identity.test_sessions import seconds_until_refused


async def test_a_slice_above_hands_down_what_the_profile_shows(house: House) -> None:
    person = await house.person()

    async with house.database.transaction() as db:
        await public.set_profile_facts(db, person.user_id, vip_tier=2, battlepass_level=7, total_spent=19_000)

    profile = (await person.send("GET", f"/api/users/{person.user_id}/profile")).json()
    assert (profile["vip_tier"], profile["battlepass_level"], profile["total_spent"]) == (2, 7, 19_000)


async def test_a_slice_above_ends_a_users_sessions_and_nobody_elses(house: House) -> None:
    person, other = await house.person(), await house.person()

    async with house.database.transaction() as db:
        await public.end_sessions(db, person.user_id, because="excluded", now=datetime.now(UTC))

    assert await seconds_until_refused(person) < 1
    assert (await person.refresh()).status_code == 401
    assert (await other.refresh()).status_code == 200


async def test_a_session_is_worth_nothing_once_it_is_over_and_only_to_its_user(house: House) -> None:
    person, other = await house.person(), await house.person()
    [session_id] = await person.session_ids()
    now = datetime.now(UTC)

    async with house.database.connection() as db:
        assert await public.find_session(db, person.user_id, session_id, now=now) == SessionState(frozenset())
        assert await public.find_session(db, other.user_id, session_id, now=now) is None
        assert await public.find_session(db, person.user_id, session_id, now=now.replace(year=now.year + 1)) is None


async def test_only_a_number_that_nobody_signed_up_with_does_without_a_session(house: House) -> None:
    person = await house.person()
    now = datetime.now(UTC)

    async with house.database.connection() as db:
        assert await public.find_session(db, person.user_id, 0, now=now) is None
        assert await public.find_session(db, 999_999, 0, now=now) == SessionState(frozenset())
