"""Roles and bans: who may give them, and how soon they hold."""

import pytest

from casino_club.kernel.subject import Role
from tests.features.identity.people import House, code_now
from tests.features.identity.test_sessions import seconds_until_refused


async def test_a_ban_holds_within_a_second_and_stays_in_the_log(house: House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    await person.session_ids()

    assert (await support.send("POST", f"/api/admin/users/{person.user_id}/ban")).status_code == 204

    assert await seconds_until_refused(person) < 1
    assert (await person.refresh()).status_code == 401
    entering = await person.log_in()
    assert (entering.status_code, entering.json()["code"]) == (403, "banned")
    assert await house.logged(person.user_id) == ["SIGN_UP", "LOGIN", "USER_BANNED"]


async def test_a_ban_is_told_only_to_who_knows_the_password(house: House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    await support.send("POST", f"/api/admin/users/{person.user_id}/ban")

    assert (await person.log_in(password="not the password")).json()["code"] == "wrong_credentials"


async def test_who_is_let_in_again_can_log_in(house: House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    await support.send("POST", f"/api/admin/users/{person.user_id}/ban")

    assert (await support.send("POST", f"/api/admin/users/{person.user_id}/unban")).status_code == 204

    assert (await person.log_in()).status_code == 200


async def test_an_admin_gives_roles_and_their_bearer_logs_in_anew(house: House) -> None:
    person, admin = await house.person(), await house.staff(Role.ADMIN)

    given = await admin.send("PUT", f"/api/admin/users/{person.user_id}/roles", {"roles": ["support", "viewer"]})

    assert given.status_code == 204
    assert (await person.refresh()).status_code == 401
    await person.log_in()
    [code, *_] = await person.enrol()
    await person.log_in(code=code)
    own = await person.send("GET", f"/api/users/{person.user_id}/profile")
    assert own.json()["roles"] == ["support", "viewer"]
    assert (await person.send("GET", "/api/admin/refused-actions")).status_code == 200


async def test_a_role_that_is_taken_away_opens_nothing_more(house: House) -> None:
    support, admin = await house.staff(Role.SUPPORT), await house.staff(Role.ADMIN)
    assert (await support.send("GET", "/api/admin/refused-actions")).status_code == 200

    await admin.send("PUT", f"/api/admin/users/{support.user_id}/roles", {"roles": []})

    assert await seconds_until_refused(support, "/api/admin/refused-actions") < 1
    await support.log_in(code=code_now(support.secret, ahead=1))
    refused = await support.send("GET", "/api/admin/refused-actions")
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.ADMIN)])
async def test_only_admins_give_roles(house: House, role: Role | None) -> None:
    person = await house.staff(role) if role else await house.person()
    other = await house.person()

    answer = await person.send("PUT", f"/api/admin/users/{other.user_id}/roles", {"roles": ["admin"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")


async def test_nobody_changes_their_own_roles_or_bans_themselves(house: House) -> None:
    admin = await house.staff(Role.ADMIN)
    here = f"/api/admin/users/{admin.user_id}"

    answers = [
        await admin.send("PUT", f"{here}/roles", {"roles": []}),
        await admin.send("POST", f"{here}/ban"),
        await admin.send("POST", f"{here}/unban"),
    ]

    assert [answer.json()["code"] for answer in answers] == ["not_yourself"] * 3


async def test_a_user_who_does_not_exist_is_missing(house: House) -> None:
    admin = await house.staff(Role.ADMIN)

    answers = [
        await admin.send("PUT", "/api/admin/users/999999/roles", {"roles": []}),
        await admin.send("POST", "/api/admin/users/999999/ban"),
        await admin.send("GET", "/api/users/999999/profile"),
    ]

    assert [answer.json()["code"] for answer in answers] == ["user_missing"] * 3
