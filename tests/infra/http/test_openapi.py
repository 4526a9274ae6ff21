"""The document says of every route who may call it, what goes in, and all that may come back."""

from typing import Any

import msgspec
from fastapi.openapi.models import OpenAPI

from casino_club.infra.http.routes import Audience, Id, Routes
from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.subject import Scope, Subject
from tests.infra.http.application import application, client


class Taken(Refused):
    code = "name_taken"
    kind = Kind.CONFLICT


class Order(msgspec.Struct, forbid_unknown_fields=True):
    user_id: Id
    note: str = ""


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    after: Id
    types: list[str] = []


routes = Routes(tags=["orders"])


@routes.post(
    "/api/orders",
    audience=Audience.CALLER,
    scope=Scope.ACTIONS_WRITE,
    summary="Place an order",
    body=Order,
    answers={201: Order, 202: list[Order]},
    refusals=[Taken],
)
async def place_order(subject: Subject, body: Order) -> Order:
    """More about orders."""
    return body


@routes.get("/api/orders/{order_id}", audience=Audience.PUBLIC, summary="x", query=Filter, answers={200: Order})
async def read_order(order_id: Id, query: Filter) -> Order:
    return Order(order_id)


async def document() -> dict[str, Any]:
    async with client(application(routes)) as http:
        answer = await http.get("/openapi.json")
    decoded: dict[str, Any] = answer.json()
    return decoded


def references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for one in part for found in references(one)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if "$ref" in part else []
    return own + [found for one in part.values() for found in references(one)]


async def test_the_document_is_valid_and_complete_in_itself() -> None:
    found = await document()

    OpenAPI.model_validate(found)
    components = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) <= components


def test_applications_over_the_same_routes_share_their_document() -> None:
    others = Routes(tags=["orders"])
    others.get("/api/orders/{order_id}", audience=Audience.PUBLIC, summary="x", query=Filter, answers={200: Order})(
        read_order
    )

    assert application(routes).openapi() is application(routes).openapi()
    assert application(others).openapi()["paths"].keys() < application(routes).openapi()["paths"].keys()


async def test_a_route_is_documented_as_it_is_declared() -> None:
    operation = (await document())["paths"]["/api/orders"]["post"]

    order = {"$ref": "#/components/schemas/Order"}
    assert operation["operationId"] == "place_order"
    assert (operation["summary"], operation["description"]) == ("Place an order", "More about orders.")
    assert (operation["x-audience"], operation["x-scope"]) == ("caller", "actions:write")
    assert operation["security"] == [{"accessToken": []}, {"serviceKey": []}]
    assert operation["requestBody"] == {"required": True, "content": {"application/json": {"schema": order}}}
    assert operation["responses"]["201"]["content"]["application/json"]["schema"] == order
    assert operation["responses"]["202"]["content"]["application/json"]["schema"] == {"type": "array", "items": order}


async def test_every_refusal_is_documented_by_its_code() -> None:
    answers = (await document())["paths"]["/api/orders"]["post"]["responses"]

    assert set(answers) == {"201", "202", "400", "401", "403", "408", "409", "413", "415", "422", "500", "503"}
    assert answers["409"]["description"] == "Codes: `name_taken`"
    assert answers["409"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }


async def test_parameters_are_documented_with_their_types() -> None:
    parameters = (await document())["paths"]["/api/orders/{order_id}"]["get"]["parameters"]

    id_schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    assert parameters == [
        {"name": "order_id", "in": "path", "required": True, "schema": id_schema},
        {"name": "after", "in": "query", "required": True, "schema": id_schema},
        {
            "name": "types",
            "in": "query",
            "required": False,
            "schema": {"type": "array", "items": {"type": "string"}, "default": []},
        },
    ]


async def test_a_shape_says_that_it_is_closed() -> None:
    schemas = (await document())["components"]["schemas"]

    assert schemas["Order"]["additionalProperties"] is False
    assert schemas["Order"]["required"] == ["user_id"]


async def test_every_route_has_its_place_and_says_who_may_call_it() -> None:
    operations = [operation for path in (await document())["paths"].values() for operation in path.values()]

    assert len(operations) == 7
    assert all(operation["x-audience"] in set(Audience) and operation["tags"] for operation in operations)
