"""Who reaches which route: every one of the application, tried by every kind of caller; a planted leak is found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from casino_club.entry.wiring import ROUTES
from casino_club.infra.http import home, operations
from casino_club.infra.http.routes import Audience, Route, Routes
from casino_club.kernel.subject import Role, Scope
from tests.features.actions.club import a_key
from tests.features.identity.people import House, Person
from tests.features.identity.test_factors import opens_soon
from tests.infra.http.application import AS_SERVICE, application, as_user, client

EVERY_ROUTE = [route for each in (operations.routes, home.routes, *ROUTES) for route in each]
ENDING = ("/logout", "/logout-everywhere")
"""These end the session that tries them, so they are tried last."""

Headers = dict[str, str]


@dataclass(frozen=True)
class Callers:
    """Headers of every kind of caller. `factorless` are an admin's who has yet to enrol a second factor."""

    user: Headers
    factorless: Headers
    staff: Mapping[Role, Headers]
    services: Mapping[Scope, Headers]

    def kept_out(self, route: Route) -> Iterator[tuple[str, Headers, str]]:
        """Who must not reach this route, and the code that tells them so."""
        if route.audience is Audience.PUBLIC:
            return
        yield "nobody", {}, "caller_unnamed"
        yield "forged", {"authorization": f"{self.user.get('authorization', '')}x"}, "invalid_token"
        if not route.is_open_without_factor:
            yield "admin without a second factor", self.factorless, "second_factor_required"
        if route.audience is Audience.SERVICE:
            yield "user", self.user, "wrong_audience"
        if route.audience is Audience.STAFF:
            yield "user", self.user, "role_missing"
            yield from ((role, self.staff[role], "role_missing") for role in self.staff.keys() - set(route.roles))
        no_service = "wrong_audience" if route.scope is None else "scope_missing"
        yield from ((each, self.services[each], no_service) for each in self.services.keys() - {route.scope})


async def leaks(http: httpx.AsyncClient, routes: Iterable[Route], callers: Callers) -> list[str]:
    """Routes that let in somebody whom they must not, or that turn them away for another reason."""
    found = []
    for route in sorted(routes, key=lambda route: route.path.endswith(ENDING)):
        path = route.path.format_map(dict.fromkeys(route.path_types, "999999"))
        for name, headers, code in callers.kept_out(route):
            answer = await http.request(route.method, path, headers=headers)
            if answer.status_code < 400 or answer.json()["code"] != code:
                found.append(f"{route.method} {route.path}: {name} got {answer.status_code}, not {code}")
    return found


async def factorless_admin(house: House) -> Person:
    """As `users create-admin` leaves them, once they have logged in."""
    admin = await house.person()
    async with house.database.transaction() as db:
        await db.execute("UPDATE users SET roles = '{admin}' WHERE id = $1", admin.user_id)
    await admin.log_in()
    return admin


@pytest.fixture
async def callers(house: House) -> Callers:
    person = await house.person()
    staff = {role: await house.staff(role) for role in Role}
    return Callers(
        {"authorization": f"Bearer {person.access_token}"},
        {"authorization": f"Bearer {(await factorless_admin(house)).access_token}"},
        {role: {"authorization": f"Bearer {each.access_token}"} for role, each in staff.items()},
        {scope: await a_key(house.database, scope.replace(":", "-"), [scope]) for scope in Scope},
    )


async def test_nobody_reaches_a_route_that_is_not_theirs(house: House, callers: Callers) -> None:
    assert await leaks(house.http, EVERY_ROUTE, callers) == []


async def test_an_admin_without_a_second_factor_enrols_one_and_reaches_nothing_else_before(house: House) -> None:
    admin = await factorless_admin(house)
    here = f"/api/users/{admin.user_id}/profile"
    open_routes = {f"{route.method} {route.path}" for route in EVERY_ROUTE if route.is_open_without_factor}

    refused = await admin.send("GET", here)
    listed = await admin.send("GET", "/api/users/sessions")
    await admin.enrol()
    await admin.refresh()

    assert open_routes == {
        "POST /api/users/logout",
        "POST /api/users/logout-everywhere",
        "GET /api/users/sessions",
        "DELETE /api/users/sessions/{session_id}",
        "POST /api/users/password",
        "POST /api/users/totp",
        "POST /api/users/totp/confirm",
        "POST /api/users/totp/remove",
    }
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    assert "/api/users/totp" in refused.json()["detail"]
    assert listed.status_code == 200
    assert await opens_soon(admin, "/api/admin/jobs")
    assert (await admin.send("GET", here)).json()["roles"] == ["admin"]


async def test_every_route_of_a_user_is_closed_to_every_other_user(house: House) -> None:
    owner, other = await house.person(), await house.person()
    owned = [route for route in EVERY_ROUTE if "user_id" in route.path_types and route.audience is not Audience.STAFF]
    bodies = {"PATCH": {"nickname": "Taken over"}}

    answers = [
        await other.send(route.method, route.path.format(user_id=owner.user_id), bodies.get(route.method))
        for route in owned
    ]

    assert owned
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "user_missing")] * len(owned)


def test_the_document_names_the_audience_and_the_roles_of_every_route() -> None:
    routes = Routes(tags=["staff"])
    routes.get(
        "/api/x",
        audience=Audience.STAFF,
        roles=(Role.SUPPORT, Role.ADMIN),
        scope=Scope.ACTIONS_READ,
        summary="x",
        answers={200: dict},
    )(_anything)

    operation = application(routes).openapi()["paths"]["/api/x"]["get"]

    assert (operation["x-audience"], operation["x-roles"]) == ("staff", ["admin", "support"])
    assert operation["security"] == [{"accessToken": []}, {"serviceKey": []}]
    assert "`role_missing`" in operation["responses"]["403"]["description"]


async def test_a_planted_leak_is_found() -> None:
    promised, planted = Routes(tags=["x"]), Routes(tags=["x"])
    for routes, audience in ((promised, Audience.STAFF), (planted, Audience.USER)):
        more = {"roles": (Role.ADMIN,)} if audience is Audience.STAFF else {}
        routes.get("/api/x", audience=audience, summary="x", answers={200: dict}, **more)(_anything)  # type: ignore[arg-type]  # one or none
    callers = Callers(as_user(5), as_user(7), {Role.VIEWER: as_user(6, Role.VIEWER)}, {Scope.ACTIONS_WRITE: AS_SERVICE})

    async with client(application(planted)) as http:
        found = await leaks(http, promised, callers)

    assert [leak.partition(": ")[2] for leak in found] == [
        "admin without a second factor got 200, not second_factor_required",
        "user got 200, not role_missing",
        "viewer got 200, not role_missing",
    ]


async def _anything() -> dict[str, str]:
    return {"code": "let in"}
