"""Every route says who may call it, and gets what it declared: typed, or refused."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from fastapi import APIRouter

from casino_club.infra.http.openapi import ApiRoute
from casino_club.infra.http.routes import Audience, Declined, Id, Raw, Routes
from casino_club.kernel.subject import Role, Scope, ServiceSubject, Subject, UserSubject
from tests.infra.http.application import AS_SERVICE, KEY, application, as_user, client


class Order(msgspec.Struct, forbid_unknown_fields=True):
    user_id: int
    note: str = ""


class Open(msgspec.Struct):
    user_id: int


class Basket(msgspec.Struct, forbid_unknown_fields=True):
    lines: list[Open]


class Colour(StrEnum):
    RED = "red"


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    limit: int = 10
    colour: Colour | None = None
    types: list[str] = []


# Called by each test, not while they are collected: a token is out of date ten minutes later.
Caller = Callable[[], dict[str, str]]

PUBLIC: dict[str, Any] = {"audience": Audience.PUBLIC, "summary": "x", "answers": {200: dict}}

routes = Routes(tags=["orders"])


@routes.post(
    "/api/orders", audience=Audience.CALLER, scope=Scope.ACTIONS_WRITE, summary="x", body=Order, answers={201: Order}
)
async def place_order(subject: Subject, body: Order) -> tuple[int, Order]:
    assert isinstance(subject, UserSubject | ServiceSubject)
    return 201, body


@routes.post(
    "/api/raw", audience=Audience.SERVICE, scope=Scope.ACTIONS_WRITE, summary="x", body=Order, answers={200: dict}
)
async def place_raw(body: bytes, subject: Subject, prefix: str) -> dict[str, str]:
    assert isinstance(subject, ServiceSubject)
    return {"raw": prefix + body.decode(), "namespace": str(subject.namespace)}


@routes.get("/api/users/me/orders", audience=Audience.USER, summary="x", answers={200: dict})
async def read_own(subject: Subject) -> dict[str, int]:
    assert isinstance(subject, UserSubject)
    return {"user_id": subject.user_id}


@routes.get("/api/users/{user_id}/orders/{order_id}", query=Filter, **PUBLIC)
async def read_order(user_id: Id, order_id: UUID, query: Filter) -> dict[str, object]:
    return {
        "user_id": user_id,
        "order_id": order_id,
        "limit": query.limit,
        "colour": query.colour,
        "types": query.types,
    }


@routes.delete("/api/orders/{order_id}", audience=Audience.USER, summary="x", answers={204: None})
async def drop_order(order_id: Id) -> None:
    assert order_id


ORDER = "/api/users/5/orders/00000000-0000-0000-0000-000000000001"


def app() -> Any:
    return client(application(routes, resources={"prefix": ">"}))


async def test_a_body_arrives_as_its_shape_and_goes_back_as_json() -> None:
    async with app() as http:
        answer = await http.post("/api/orders", json={"user_id": 5}, headers=as_user(5))

    assert (answer.status_code, answer.json()) == (201, {"user_id": 5, "note": ""})


async def test_a_route_may_take_the_bytes_and_a_resource() -> None:
    async with app() as http:
        answer = await http.post("/api/raw", json={"user_id": 5}, headers=AS_SERVICE)

    assert answer.json() == {"raw": '>{"user_id":5}', "namespace": str(KEY.namespace)}


async def test_an_answer_may_be_empty() -> None:
    async with app() as http:
        answer = await http.delete("/api/orders/5", headers=as_user(5))

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


async def test_a_literal_segment_wins_over_a_parameter() -> None:
    async with app() as http:
        answer = await http.get("/api/users/me/orders", headers=as_user(5))

    assert answer.json() == {"user_id": 5}


async def test_path_and_query_arrive_typed() -> None:
    async with app() as http:
        answer = await http.get(f"{ORDER}?limit=3&types=a&types=b&colour=red")

    assert answer.json() == {
        "user_id": 5,
        "order_id": "00000000-0000-0000-0000-000000000001",
        "limit": 3,
        "colour": "red",
        "types": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{ORDER}?limit=many", "invalid_query"),
        (f"{ORDER}?limit=1&limit=2", "invalid_query"),
        (f"{ORDER}?limt=1", "invalid_query"),
        (f"{ORDER}?colour=blue", "invalid_query"),
        (f"{ORDER}?types=%00", "invalid_query"),
        (f"{ORDER}?types=%ff", "invalid_query"),
        (f"{ORDER}?{'&'.join('types=a' for _ in range(101))}", "invalid_query"),
        (f"{ORDER}?types={'a' * 9000}", "invalid_query"),
        ("/healthz?verbose=1", "invalid_query"),
        (ORDER.replace("5", "five"), "invalid_path"),
        (ORDER.replace("5", "0"), "invalid_path"),
        (ORDER.replace("5", str(2**63)), "invalid_path"),
        (ORDER.replace("00000000-", "x"), "invalid_path"),
    ],
)
async def test_a_path_or_query_that_is_not_as_declared_is_refused(url: str, code: str) -> None:
    async with app() as http:
        answer = await http.get(url)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("url", "caller", "code"),
    [
        ("/api/users/me/orders", lambda: AS_SERVICE, "wrong_audience"),
        ("/api/raw", lambda: as_user(5), "wrong_audience"),
    ],
)
async def test_the_other_kind_of_caller_is_refused(url: str, caller: Caller, code: str) -> None:
    async with app() as http:
        answer = await http.request("POST" if "raw" in url else "GET", url, headers=caller())

    assert (answer.status_code, answer.json()["code"]) == (403, code)


async def test_a_key_without_the_scope_is_refused() -> None:
    reading = Routes(tags=["x"])

    @reading.get("/api/x", audience=Audience.CALLER, scope=Scope.ACTIONS_READ, summary="x", answers={200: dict})
    async def read_x() -> dict[str, str]:
        return {}

    async with client(application(reading)) as http:
        of_service = await http.get("/api/x", headers=AS_SERVICE)
        of_user = await http.get("/api/x", headers=as_user(5))

    assert (of_service.status_code, of_service.json()["code"]) == (403, "scope_missing")
    assert of_user.status_code == 200


def staffed(scope: Scope | None) -> Any:
    staffed_routes = Routes(tags=["staff"])
    given: Any = {} if scope is None else {"scope": scope}
    roles = (Role.SUPPORT, Role.ADMIN)
    staffed_routes.get("/api/x", audience=Audience.STAFF, roles=roles, summary="x", answers={200: dict}, **given)(
        _plain
    )
    return application(staffed_routes)


@pytest.mark.parametrize(
    ("scope", "caller", "code"),
    [
        (None, lambda: as_user(5, Role.SUPPORT), None),
        (None, lambda: as_user(5, Role.VIEWER, Role.ADMIN), None),
        (None, lambda: as_user(5, Role.VIEWER), "role_missing"),
        (None, lambda: as_user(5), "role_missing"),
        (None, lambda: AS_SERVICE, "wrong_audience"),
        (Scope.ACTIONS_WRITE, lambda: AS_SERVICE, None),
        (Scope.ACTIONS_REVIEW, lambda: AS_SERVICE, "scope_missing"),
        (Scope.ACTIONS_WRITE, lambda: as_user(5), "role_missing"),
        (Scope.ACTIONS_WRITE, dict, "caller_unnamed"),
    ],
)
async def test_a_staff_route_is_open_to_its_roles_and_to_services_with_its_scope(
    scope: Scope | None, caller: Caller, code: str | None
) -> None:
    async with client(staffed(scope)) as http:
        answer = await http.get("/api/x", headers=caller())

    assert answer.json().get("code") == code


async def test_nobody_reaches_a_closed_route_without_a_credential() -> None:
    built = application(routes, resources={"prefix": ""})
    closed = [route.route for route in built.routes if isinstance(route, ApiRoute)]
    closed = [route for route in closed if route.audience is not Audience.PUBLIC]

    async with client(built) as http:
        answers = [await http.request(route.method, route.path) for route in closed]

    assert len(closed) == 4
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/api/orders", 405)])
async def test_what_is_not_declared_is_not_there(method: str, path: str, status: int) -> None:
    async with app() as http:
        answer = await http.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    async with app() as http:
        answer = await http.get("/api/orders")

    assert answer.headers["allow"] == "POST"


async def test_head_is_get_without_content() -> None:
    async with app() as http:
        answer = await http.head("/healthz")

    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_answer_may_be_other_than_json() -> None:
    pages = Routes(tags=["x"])

    @pages.get("/x.txt", audience=Audience.PUBLIC, summary="x", answers={200: str}, answer_media_type="text/plain")
    async def read_text() -> Raw:
        return Raw(b"text", "text/plain", headers=[(b"x-more", b"1")])

    async with client(application(pages)) as http:
        answer = await http.get("/x.txt")

    assert (answer.text, answer.headers["content-type"], answer.headers["x-more"]) == ("text", "text/plain", "1")


def test_every_route_of_the_application_is_a_declared_one() -> None:
    assert {type(route) for route in application(routes, resources={"prefix": ""}).routes} == {ApiRoute}


def test_a_route_made_in_another_way_is_declined() -> None:
    router = APIRouter()

    @router.get("/api/open")
    async def read_open() -> dict[str, str]:
        return {}

    with pytest.raises(Declined, match="declare routes with `Routes`"):
        application(router.routes)  # type: ignore[arg-type]  # what a mistaken slice would hand over


async def _plain() -> dict[str, str]:
    return {}


async def _with_body(body: bytes) -> bytes:
    return body


async def _with_subject(subject: Subject) -> Subject:
    return subject


async def _with_query(query: Any) -> Any:
    return query


async def _with_id(id: int) -> int:  # noqa: A002 - the name of the path's parameter
    return id


def _not_async() -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "method", "path", "changes", "why"),
    [
        (_plain, "get", "/x", {"audience": None}, "name the audience"),
        (_plain, "get", "/x", {"audience": "anyone"}, "name the audience"),
        (_plain, "get", "/x", {"audience": Audience.SERVICE}, "name the scope"),
        (_plain, "get", "/x", {"audience": Audience.CALLER}, "name the scope"),
        (_plain, "get", "/x", {"scope": Scope.ACTIONS_READ}, "only services have scopes"),
        (_plain, "get", "/x", {"audience": Audience.USER, "scope": Scope.ACTIONS_READ}, "only services have scopes"),
        (_plain, "get", "/x", {"audience": Audience.STAFF}, "name the roles"),
        (_plain, "get", "/x", {"audience": Audience.USER, "roles": (Role.ADMIN,)}, "and of nobody else"),
        (_plain, "get", "/x", {"answers": {}}, "at least one answer"),
        (_plain, "get", "x", {}, "plain segments"),
        (_plain, "get", "/x/", {}, "plain segments"),
        (_plain, "get", "/{id}", {}, "parameter is not taken"),
        (_plain, "post", "/x", {"body": Order}, "declare the body and take it"),
        (_plain, "get", "/x", {"query": Filter}, "declare the query and take it"),
        (_with_subject, "get", "/x", {}, "no subject"),
        (_with_body, "post", "/x", {}, "declare the body and take it"),
        (_with_body, "get", "/x", {"body": Order}, "has no body"),
        (_with_body, "post", "/x", {"body": Open}, "forbid unknown fields"),
        (_with_body, "post", "/x", {"body": Basket}, "forbid unknown fields"),
        (_with_query, "get", "/x", {"query": Open}, "forbid unknown fields"),
        (_not_async, "get", "/x", {}, "async function"),
    ],
)
def test_a_wrong_declaration_is_declined(endpoint: Any, method: str, path: str, changes: Any, why: str) -> None:
    declaration = {name: value for name, value in {**PUBLIC, **changes}.items() if value is not None}

    with pytest.raises(Declined, match=why):
        getattr(Routes(tags=["x"]), method)(path, **declaration)(endpoint)


def test_two_routes_of_one_path_are_declined() -> None:
    twice = Routes(tags=["x"])
    twice.get("/x/{id}", **PUBLIC)(_with_id)
    twice.get("/x/{id}", **PUBLIC)(_with_id)

    with pytest.raises(Declined, match="declared twice"):
        application(twice)


def test_two_endpoints_of_one_name_are_declined() -> None:
    twice = Routes(tags=["x"])
    twice.get("/x", **PUBLIC)(_plain)
    twice.get("/y", **PUBLIC)(_plain)

    with pytest.raises(Declined, match="different names"):
        application(twice)


def test_an_endpoint_that_asks_for_what_nobody_gives_is_declined() -> None:
    with pytest.raises(Declined, match="nothing is given for prefix"):
        application(routes)
