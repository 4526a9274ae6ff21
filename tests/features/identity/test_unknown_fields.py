"""Nobody gives themselves a role, a balance or an id: every body of the document refuses what it does not name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import msgspec

from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import Role
from tests.features.actions.club import a_key
from tests.features.identity.people import House
from tests.infra.http.application import application, client

PARAMETER = re.compile(r"\{[a-z_]+\}")

UNKNOWN = {"role": "admin", "vip_tier": 9, "balance": 1_000_000, "user_id": 1, "is_admin": True, "nobody_knows": 1}
"""What people have tried elsewhere. A shape that names one of them is left out for that one."""

SIGNED = {"post /api/webhooks/payments"}
"""What others sign is not read before its signature is right; it moves nothing whatever it holds."""

Schema = Mapping[str, Any]


def nestings(schema: Schema, document: Schema, depth: int = 0) -> Iterator[tuple[list[Any], Schema]]:
    """Each closed object within a body: the way to it, and its schema."""
    assert depth < 6, "a body this deep is a mistake"
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from nestings(choice, document, depth + 1)
    if "items" in schema:
        yield from (([0, *way], found) for way, found in nestings(schema["items"], document, depth + 1))
    if "properties" in schema:
        yield [], schema
        for name, inner in schema["properties"].items():
            yield from (([name, *way], found) for way, found in nestings(inner, document, depth + 1))


def planted(way: list[Any], field: str, value: Any) -> Any:
    """A body that holds this field at the end of the way, and nothing else."""
    body: Any = {field: value}
    for step in reversed(way):
        body = [body] if step == 0 else {step: body}
    return body


def attempts(document: Schema) -> Iterator[tuple[str, str, str, str, Any]]:
    """Method, path, audience, field and body of each try."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            for way, found in nestings(schema, document) if schema else ():
                for field in sorted(UNKNOWN.keys() - found["properties"].keys()):
                    yield method, path, operation["x-audience"], field, planted(way, field, UNKNOWN[field])


def somewhere(path: str, operation: Schema) -> str:
    """The path with something of the right shape in the place of each parameter."""
    shapes = {each["name"]: each["schema"].get("format") for each in operation.get("parameters", ())}
    return PARAMETER.sub(lambda found: str(UUID(int=1)) if shapes[found[0][1:-1]] == "uuid" else "1", path)


async def let_in(http: httpx.AsyncClient, callers: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Tries that were not refused for the very field that they brought."""
    found, document = [], (await http.get("/openapi.json")).json()
    for method, path, audience, field, body in attempts(document):
        if f"{method} {path}" in SIGNED:
            continue
        here = somewhere(path, document["paths"][path][method])
        answer = await http.request(method, here, json=body, headers=callers[audience])
        if f"unknown field `{field}`" not in answer.text:
            found.append(f"{method} {path}: {field} in {body} got {answer.status_code}")
    return found


async def test_every_body_refuses_what_it_does_not_name(house: House) -> None:
    admin = await house.staff(Role.ADMIN)
    as_admin = {"authorization": f"Bearer {admin.access_token}"}
    tried = list(attempts((await house.http.get("/openapi.json")).json()))

    callers = {"public": {}, "service": await a_key(house.database, "loader")}
    found = await let_in(house.http, {**callers, **dict.fromkeys(("user", "staff", "caller"), as_admin)})

    assert {"post /api/users/signup", "put /api/admin/users/{user_id}/roles"} <= {
        f"{try_[0]} {try_[1]}" for try_ in tried
    }
    assert found == []


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """What a route promises to take."""

    name: str


async def test_a_route_that_takes_more_than_it_says_is_found() -> None:
    async def write_loosely(body: bytes) -> dict[str, str]:
        return {}

    async def write(body: Shape) -> dict[str, str]:
        return {}

    routes = Routes(tags=["x"])
    for endpoint in (write_loosely, write):
        path = f"/api/{endpoint.__name__}"
        routes.post(path, audience=Audience.PUBLIC, summary="x", body=Shape, answers={200: dict})(endpoint)

    async with client(application(routes)) as http:
        found = await let_in(http, {"public": {}})

    assert {each.partition(":")[0] for each in found} == {"post /api/write_loosely"}
    assert len(found) == len(UNKNOWN)
